// Appender-jsonl is a chain_appender: it writes every record as one line of JSON
// into a file per chain, durably and each once, for people and their tools.
//
// The node's own log, whose records are linked and checked, is authoritative. These files
// are a copy that any tool can read, ship and rotate.
package main
