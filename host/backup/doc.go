// Package backup copies what a node must not lose from its data directory to another folder
// and back: its records, its ordered log, and what it remembers of accepted commands.
//
// A backup is laid out as a data directory, so that whatever reads one reads the other. It is
// made file by file while the node may write, in an order that leaves a consistent copy: what
// refers to something is copied before it. A file of records only ever grows, so a backup that
// is made again copies what is new.
//
// It copies no runs of daemons, no folders of plugins and no keys: they belong to the machine.
package backup
