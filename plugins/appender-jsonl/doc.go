// Appender-jsonl is a chain_appender: it writes every record as one line of JSON
// into a file per chain, durably and each once, for people and their tools.
//
// It is not the truth: that is the node's own log, whose records are linked and
// checked. It is a copy one can read with any tool, ship and rotate.
package main
