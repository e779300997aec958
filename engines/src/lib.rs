//! The two ports, event log and graph, and every engine behind them.
