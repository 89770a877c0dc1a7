"""Privacy: how long persons are kept, who took whom along, taking somebody out, and all of it in words."""

import streamlit as st

from leadlib.ui import erasure, privacy
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
st.title("Privacy", anchor=False)
plain("The persons behind all leads in the store, whatever the filters.", tone="normal")
privacy.draw_alarm(view)

st.header("How long persons are kept", anchor=False)
privacy.draw_retention(view)

st.header("Exports", anchor=False)
plain("Every file of leads that was made here or by the command line, for 24 months. No sender is in this list.")
privacy.draw_exports(view)

st.header("Take somebody out", anchor=False)
plain(
    "Their name, phones and addresses leave the store, its copies, notebooks and notes, and do not come back with the "
    "next sync. The leads stay, and are counted. Backups and downloads made before are out of reach: delete those that "
    "have served their time."
)
erasure.draw(view)
erasure.draw_on_record(view)

st.header("Record of processing", anchor=False)
plain("Made from this installation's settings, as a base for your own: say yourself what for, and by which right.")
privacy.draw_record(view)
