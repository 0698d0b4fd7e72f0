package main

import "encoding/json"

// meshDone is what -o json prints of a command that changed this machine's part in a mesh.
type meshDone struct {
	Cluster  string `json:"cluster,omitempty"`
	Node     uint64 `json:"node,string,omitempty"`
	Name     string `json:"name,omitempty"`
	Seed     bool   `json:"seed,omitempty"`
	Founding string `json:"founding,omitempty"`      // the beginning of the hash of the first entry of the mesh's log
	Height   uint64 `json:"height,string,omitempty"` // of the record that was moved away
	Head     string `json:"head,omitempty"`          // and the beginning of the hash of its last entry
	MovedTo  string `json:"moved_to,omitempty"`      // the folder that has it now
}

// forPeople returns the app that tells people what is done: beside the JSON, if that is asked
// for.
func (a *app) forPeople(output outputFlag) *app {
	if output != outputJSON {
		return a
	}
	told := *a
	told.out = a.err
	return &told
}

// printDone prints what was done, if JSON is asked for.
func (a *app) printDone(output outputFlag, done meshDone) error {
	if output != outputJSON {
		return nil
	}
	return json.NewEncoder(a.out).Encode(done)
}
