package io.fathom.engine.cpu;

/** Some matrices of one size in memory, a fixed number of floats apart, their rows likewise. */
record Planes(long address, int count, int rows, int columns, long planeStride, long rowStride) {}
