"""How much of everything a force needs: demand, measured cost, a simulation, and the table of `./waymark capacity`."""
