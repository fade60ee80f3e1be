"""The backtest: whether the market would have foretold what really happened."""
