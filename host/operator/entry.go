package operator

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// entry is one line of the store: what one accepted command changed, all of it or
// nothing.
type entry struct {
	Nonce     *Nonce    `json:"nonce,omitempty"`
	Issued    int64     `json:"issued_ms,omitempty"` // of the command with that nonce
	Cooldowns []cooling `json:"cooldowns,omitempty"`
	Freeze    *frozen   `json:"freeze,omitempty"`
	Floor     int64     `json:"floor_ms,omitempty"`
}

// cooling is a cooldown; Node is 0 for the cluster as a whole.
type cooling struct {
	Node  mesh.NodeID `json:"node"`
	Until int64       `json:"until_ms"`
}

// frozen is a freeze by the wall clock; both are 0 for a thaw.
type frozen struct {
	Until int64         `json:"until_ns"`
	TTL   time.Duration `json:"ttl_ns"`
}

// MarshalText gives a nonce as hexadecimal digits.
func (n Nonce) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(n[:])), nil }

// UnmarshalText reads what MarshalText gave.
func (n *Nonce) UnmarshalText(text []byte) error {
	if len(text) != 2*NonceSize {
		return fmt.Errorf("a nonce has %d hexadecimal digits, not %d characters", 2*NonceSize, len(text))
	}
	_, err := hex.Decode(n[:], text)
	return err
}

// Checksums are CRC-32C, of eight hexadecimal digits at the beginning of the line.
const sumDigits = 8

func checksum(body []byte) uint32 { return crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) }

// line encodes an entry: checksum, space, JSON, newline.
func (e entry) line() []byte {
	body, err := json.Marshal(e)
	if err != nil {
		panic("operator: an entry that has no JSON: " + err.Error()) // it has numbers and text only
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(body), body)
}

// damage is a line of the store that can't be believed.
type damage struct {
	Line int
	Torn bool // the last one, and it does not end: a write that was cut off
}

// readEntries gives every line that is whole, and says which are not.
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
