// Package view turns the contract's messages into text for people.
//
// It does not talk to a node or read a clock: what it shows is a function of the message and
// of the Printer. Text that comes from a node, a plugin or a
// daemon passes through Plain or JSON, which leave nothing in it that could steer a
// terminal.
package view
