import streamlit as st
from core.boot import lifespan
app = st.App("pages/navigation.py", lifespan=lifespan)
