// Package schema turns a struct with tags into a configuration format: strict
// decoding with defaults, bounds and errors that name the key, a JSON Schema for
// hosts, and a list of keys for people.
//
// It is the only part of the SDK that reads types by reflection. For reads the tags once
// and returns the author's mistakes in them as an error, so that decoding can fail only
// because of what an operator wrote.
//
//	json:"name"      the key; "-" leaves the field out
//	default:"1s"     used when the key is missing
//	doc:"…"          one sentence for people
//	required:"true"  the key must be there
//	min, max         bounds of numbers and durations, or of the length of texts,
//	                 lists and maps
//	enum:"a,b"       the only texts allowed, for texts and lists of texts
package schema
