"""The command line: sets up, trains, starts and watches the processes. Sits above everything else."""
