// Package schema turns a struct with tags into a configuration format: strict
// decoding with defaults, bounds and errors that name the key, a JSON Schema for
// hosts, and a list of keys for people.
//
// It is the one place of the SDK that uses reflection. Tags are read once, by
// For; what an author got wrong in them is an error there, so that decoding can
// only fail for what an operator wrote.
//
//	json:"name"      the key; "-" leaves the field out
//	default:"1s"     used when the key is missing
//	doc:"…"          one sentence for people
//	required:"true"  the key must be there
//	min, max         bounds of numbers and durations; of the length of strings,
//	                 lists and maps
//	enum:"a,b"       the only texts allowed, for strings and lists of them
package schema
