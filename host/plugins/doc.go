// Package plugins binds the kinds that plugins serve to the parts of a node: probes,
// the scorer, the aborter and recovery handlers to the loop, appenders to the records,
// actuators to the executor, event sources to the intake, control sinks to what is
// announced.
//
// It starts no process and calls no wire: host/catalog does. What is done with an
// answer is the business of the part that asked.
package plugins
