"""What happens, durably: the ledger's engine, and one file a verb. A verb is data: steps with their undos."""
