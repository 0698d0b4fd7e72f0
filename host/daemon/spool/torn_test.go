package spool

import (
	"os"
	"testing"
)

// A writer whose disk is full takes back the beginning of a line, and later writes another one
// there. A reader that saw the beginning must not put the two together.
func TestTheBeginningOfALineThatWasTakenBackIsForgotten(t *testing.T) {
	dir := t.TempDir()
	path := segmentPath(dir, 1)
	whole := string(Line{At: noon, Stream: Out, Text: "first"}.append(nil))
	for _, torn := range []string{
		string(Line{At: noon, Stream: Note, Text: "90 lines lost: no space"}.append(nil)[:45]),
		string(Line{At: noon, Stream: Note, Text: "a line that is longer than the one which takes its place"}.append(nil)[:80]),
	} {
		if err := os.WriteFile(path, []byte(whole+torn), 0o600); err != nil {
			t.Fatal(err)
		}
		r := NewReader(dir, Position{})
		if line, ok, err := r.Next(); !ok || err != nil || line.Text != "first" {
			t.Fatal(line, ok, err)
		}
		if line, ok, err := r.Next(); ok || err != nil {
			t.Fatal(line, ok, err)
		}
		next := string(Line{At: noon, Stream: Note, Text: "494 lines lost"}.append(nil))
		if err := os.WriteFile(path, []byte(whole+next), 0o600); err != nil {
			t.Fatal(err)
		}
		if line, ok, err := r.Next(); !ok || err != nil || line.Text != "494 lines lost" {
			t.Errorf("after %q came %+v, %v, %v", torn, line, ok, err)
		}
		r.Close()
	}
}
