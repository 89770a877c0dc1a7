"""The Overview as people usually write it: pandas in st.cache_data, plotly.express, Streamlit as it comes.

USUAL_PAGE_DATA names a Parquet file with a lead in each row.
"""

import os

import pandas as pd
import plotly.express as px
import streamlit as st

STAGES = ["sent", "delivered", "opened", "responded"]


@st.cache_data
def load() -> pd.DataFrame:
    leads = pd.read_parquet(os.environ["USUAL_PAGE_DATA"])
    leads["day"] = leads["created_local"].dt.date
    return leads


st.set_page_config(page_title="Leads", layout="wide")
leads = load()
channels = st.sidebar.multiselect("Channel", sorted(leads["channel"].unique()))
agents = st.sidebar.multiselect("Assigned agent", sorted(leads["agent_id"].dropna().astype(int).astype(str).unique()))
if channels:
    leads = leads[leads["channel"].isin(channels)]
if agents:
    leads = leads[leads["agent_id"].isin([int(agent) for agent in agents])]

st.title("Overview")
columns = st.columns(4)
columns[0].metric("Leads", f"{len(leads):,}")
columns[1].metric("Senders", f"{leads['sender_key'].nunique():,}")
columns[2].metric("Responded", f"{(leads['stage'] == 'responded').mean():.1%}")
columns[3].metric("Unassigned", f"{leads['agent_id'].isna().sum():,}")

by_day = leads.groupby(["day", "channel"]).size().reset_index(name="leads")
st.plotly_chart(px.bar(by_day, x="day", y="leads", color="channel", title="Leads a day by channel"))
left, right = st.columns(2)
reached = leads["reached_stage"].map({stage: place for place, stage in enumerate(STAGES)})
funnel = pd.DataFrame({"stage": STAGES, "leads": [int((reached >= place).sum()) for place in range(len(STAGES))]})
left.plotly_chart(px.funnel(funnel, x="leads", y="stage", title="How far leads come"))
types = leads.groupby("entity_type").size().reset_index(name="leads")
right.plotly_chart(px.bar(types, x="leads", y="entity_type", title="What leads are about"))
answered = leads.groupby("agent_id").agg(
    leads=("lead_id", "count"), rate=("stage", lambda s: (s == "responded").mean())
)
answered = answered.nlargest(12, "leads").reset_index()
answered["agent_id"] = answered["agent_id"].astype(int).astype(str)
st.plotly_chart(px.scatter(answered, x="rate", y="agent_id", size="leads", title="Who answers"))
