"""What is drawn around every page, and what runs in it."""

# As wide as its words are; the rest is for grids.
SIDEBAR_PIXELS = 220
# Readable on the sidebar of both themes.
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 32" width="132" height="32" role="img"
aria-label="Cairn"><g fill="#6f7a86"><ellipse cx="18" cy="26" rx="15" ry="5"/><ellipse cx="17" cy="16.5" rx="10.5"
ry="4.2"/><ellipse cx="19" cy="8" rx="6" ry="3.4"/></g><text x="44" y="25" font-family="sans-serif" font-size="24"
font-weight="600" fill="#6f7a86">Cairn</text></svg>"""

# Streamlit's own download of a grid writes cells that compute, such as a document's name: tables leave by core.exports.
STYLE = """<style>
  [data-testid=stElementToolbarButton]:has(button[aria-label^='Download as CSV']) {display: none}
  [data-testid=stCaptionContainer] {color: inherit; opacity: 0.78}
  :is([data-testid=stSidebarNavLink], [data-testid=stPageLink-NavLink]):focus-visible {
    outline: 2px solid currentColor; outline-offset: -2px
  }
  /* All of a label, where the screen is narrow. */
  [data-testid=stMetricLabel] p {white-space: normal !important}
  [data-testid=stPageLink] {margin-inline-start: -0.5rem}
  [class*=st-key-lines-] :is(a, button), [class*=st-key-lines-] :is(a, button) * {
    justify-content: flex-start; text-align: left
  }
  [class*=st-key-lines-] :is(a, button) * {white-space: normal; overflow: visible; line-height: 1.4}
  [class*=st-key-lines-] a {height: auto; padding-block: 0.4rem}
  /* A sentence, and not a name: smaller than other titles. */
  .st-key-statement h1 {font-size: 1.75rem; line-height: 1.3}
  [data-testid=stHeading] h2 {font-size: 1.5rem; padding-block: 0.75rem 0.5rem}
  [role=tab][aria-selected=true], [role=tab][aria-selected=true] *, [data-testid=stButtonGroup] [aria-checked=true],
  [data-testid=stButtonGroup] [aria-checked=true] * {color: inherit !important; font-weight: 600}
  [data-testid=stMainBlockContainer] {padding-top: 4.25rem; padding-inline: clamp(1rem, 3vw, 3rem)}
</style>"""

FRAME = f"{STYLE}<script src='scripts/history.js'></script>"
