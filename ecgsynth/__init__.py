"""ecgsynth: synthetic electrocardiograms by exact simulation, and by diffusion guided by it."""
