// Package e2e tests the built binaries as users meet them: it starts a node with the
// shipped configuration, uses it with the command line, and kills processes.
//
// It has tests only. What a single package can show is tested in that package.
//
// All tests run in parallel, and wait more than they compute. So none changes what the others
// share: variables of the environment are given to the node (node.env), listeners have IP
// addresses of their own (listen), and a test looks for processes by the folder of its node.
// What one mounts is in that folder, or in a namespace of its own.
package e2e
