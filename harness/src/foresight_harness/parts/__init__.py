"""What is built in: data sets, controls, modules, decoders, metrics, probes, statistics, solvers, training, weights."""
