"""What a jobs process imports, sooner or later."""

import anthropic
import anthropic.types.messages
import genai_prices.data_snapshot
import openai
import openai.resources.batches
import openai.resources.chat
import openai.resources.files
import time_machine

import jobs.once
import jobs.process
import jobs.queue_workers
import jobs.scheduler

__all__ = ["anthropic", "genai_prices", "jobs", "openai", "time_machine"]
