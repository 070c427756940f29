"""How a run stands: its status, its sessions, what may be resumed, its seal."""
