// Package e2e tests the built binaries as users meet them: it starts a node with the
// shipped configuration, uses it with the command line, and kills processes.
//
// It has tests only. What a single package can show is tested in that package.
package e2e
