package operator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// entry is one line of the store: everything that one accepted command changed, so that
// a line which is cut off loses all of it or nothing.
type entry struct {
	Nonce     *rules.Nonce    `json:"nonce,omitempty"`
	Issued    int64           `json:"issued_ms,omitempty"` // of the command with that nonce
	Cooldowns []cooldownEntry `json:"cooldowns,omitempty"`
	Freeze    *freezeEntry    `json:"freeze,omitempty"`
	Floor     int64           `json:"floor_ms,omitempty"`
}

// cooldownEntry is a cooldown; Node is 0 for the cluster as a whole. A version that does not
// know Freeze takes that of freezes for the cluster's, which is longer than need be.
type cooldownEntry struct {
	Node   mesh.NodeID `json:"node"`
	Freeze bool        `json:"freeze,omitempty"`
	Until  int64       `json:"until_ms"`
}

func (c cooldownEntry) bucket() rules.Bucket { return rules.Bucket{Node: c.Node, Freeze: c.Freeze} }

// freezeEntry is a freeze by the wall clock; both fields are 0 for a thaw.
type freezeEntry struct {
	Until int64         `json:"until_ns"`
	TTL   time.Duration `json:"ttl_ns"`
}

// sumDigits is the length of a line's checksum, a CRC-32C in hexadecimal digits.
const sumDigits = 8

func checksum(body []byte) uint32 { return crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) }

// line encodes an entry: checksum, space, JSON, newline.
func (e entry) line() []byte {
	body, err := json.Marshal(e)
	if err != nil {
		panic("operator: encode an entry: " + err.Error()) // can't be: it holds numbers and text only
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(body), body)
}

// damage is a line of the store whose checksum or content is wrong.
type damage struct {
	Line int
	Torn bool // it is the last line and has no newline: a write was cut off
}

// readEntries returns the entries of all intact lines, and which lines are damaged.
func readEntries(text []byte) (out []entry, bad []damage) {
	for n := 1; len(text) > 0; n++ {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		text = rest
		e, ok := readEntry(line)
		if !ok || !ended {
			bad = append(bad, damage{Line: n, Torn: !ended})
			continue
		}
		out = append(out, e)
	}
	return out, bad
}

func readEntry(line []byte) (e entry, ok bool) {
	if len(line) <= sumDigits+1 || line[sumDigits] != ' ' {
		return e, false
	}
	body := line[sumDigits+1:]
	if string(line[:sumDigits]) != fmt.Sprintf("%08x", checksum(body)) {
		return e, false
	}
	return e, json.Unmarshal(body, &e) == nil
}
