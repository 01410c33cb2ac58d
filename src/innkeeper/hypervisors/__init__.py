"""How hosts are spoken to: one dumb driver per kind of hypervisor, facts in and facts out, no policy."""
