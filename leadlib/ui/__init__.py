"""Every Streamlit piece: the page script (shell.py) and what pages are made of."""
