// Command compare measures meshos beside the programs that people use for the same: each row
// does the same work with both, in alternating runs on the same machine, and prints the ratio.
//
// Figures of a shared machine drift. So a ratio is taken within each round, and the median of
// the ratios is what to quote. Nothing is judged: the wanted ratio is printed beside it.
//
// A row whose peer program is not installed is not measured, and says how to install it.
package main
