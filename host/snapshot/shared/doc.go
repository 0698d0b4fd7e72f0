// Package shared has immutable sorted tables that share with one another what is equal in
// them. A table is made by an Editor, which copies the chunks that it writes to and the spine
// above them; Changes finds what differs between two tables without looking at what they
// share.
//
// A table is a spine of branches of up to 128 chunks of a few entries each. The alternative
// was a copy-on-write B-tree, tidwall/btree. Measured with values of 72 bytes, 1,000,000 of
// them (100,000), on two shared cores, chunks of 32 entries:
//
//	                             this package        tidwall/btree
//	memory                       82 MB (8.2)         134 MB (13.4)
//	one change and a copy        8 µs, 6 kB (3, 4)   15 µs, 12 kB (6, 10)
//	1 % changed at random        22 MB (2.3)         20 MB (2.1)
//	walk                         58 ms (0.6)         138 ms (4.3)
//	difference after one change  2.5 µs (1.3)        243 ms (2.7): every entry is compared
//
// The tree does not show which of its nodes two copies share, so the difference between them
// can't follow what changed. That decided.
//
// The package knows nothing of what the entries are. It has no locks: an Editor belongs to
// one goroutine, and tables never change.
package shared
