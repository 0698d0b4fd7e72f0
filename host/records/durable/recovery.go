package durable

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
)

// segmentInfo is one file of a chain, as far as it is valid.
type segmentInfo struct {
	number  uint64
	first   uint64      // number of its first entry
	end     segment.End // up to here it is valid
	created time.Time
	newest  time.Time
	size    int64 // of the file
	// state is what the next entry is appended with. Only a file that was read whole has it.
	state segment.Builder
}

// recovery is what a folder holds: the files that count, and what is wrong with the others.
type recovery struct {
	valid []segmentInfo // oldest first
	// last is the number of the newest file, valid or not; 0 for none.
	last uint64
	// damage is what is wrong, in the order of the files. An earlier run reported
	// damage[:known] already: a later file continues from a place before it.
	damage []*segment.DamageError
	known  int
	// torn is the unfinished end of the newest file.
	torn *segment.DamageError
	// quarantined are the sizes of files of which nothing is valid, by number.
	quarantined map[uint64]int64
	// growable means that the newest file is valid to its end, so that it can grow.
	growable bool
}

var errMissing = errors.New("the records before it are missing")

// recoverChain reads the files of a folder without changing any. Of sealed files it reads
// and trusts the footer only: Walk checks all of them.
func recoverChain(fs disk.FS, chain string) (*recovery, error) {
	names, err := fs.List()
	if err != nil {
		return nil, fmt.Errorf("%s records: %w", chain, err)
	}
	s := &recovery{quarantined: map[uint64]int64{}}
	for _, name := range names {
		if number := numberOf(name); number > 0 {
			s.last = number // names sort as their numbers do
			if err := s.addFile(fs, chain, number); err != nil {
				return nil, fmt.Errorf("%s records: %w", chain, err)
			}
		}
	}
	// Only the newest file can have a torn end: in any other it is damage.
	if n := len(s.damage); n > s.known && s.damage[n-1].Torn && s.damage[n-1].File == path(fs, s.last) {
		s.torn, s.damage = s.damage[n-1], s.damage[:n-1]
	}
	s.growable = len(s.damage) == s.known && s.torn == nil && len(s.valid) > 0 && s.tail().number == s.last
	return s, nil
}

func path(fs disk.FS, number uint64) string { return fs.Dir() + "/" + nameOf(number) }

func (s *recovery) tail() *segmentInfo { return &s.valid[len(s.valid)-1] }

// addFile adds one more file. An error is one of opening it.
func (s *recovery) addFile(fs disk.FS, chain string, number uint64) error {
	f, err := fs.Open(nameOf(number))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	f.DropCache()
	size, err := f.Size()
	if err != nil {
		return err
	}
	r, err := segment.NewReader(path(fs, number), f, size)
	if err != nil {
		s.quarantine(damageOf(err, path(fs, number), segment.End{}), number, size)
		return nil
	}
	h := r.Header()
	if cause := s.join(fs, h, chain, number); cause != nil {
		s.quarantine(&segment.DamageError{File: path(fs, number), Cause: cause}, number, size)
		if !errors.Is(cause, errMissing) {
			return nil
		}
		s.known = len(s.damage) // it is reported, but the files that are left count
		delete(s.quarantined, number)
	}
	one := segmentInfo{number: number, first: h.First, created: h.Created, size: size}
	if footer, end, ok := segment.ReadFooter(f, size); ok {
		end.Next = h.First + footer.Entries
		one.end, one.newest = end, footer.Newest
		s.valid = append(s.valid, one)
		return nil
	}
	for err == nil {
		_, _, err = r.Next()
	}
	one.end, one.state = r.End(), r.State()
	one.newest = one.state.Footer.Newest
	s.valid = append(s.valid, one)
	if !errors.Is(err, io.EOF) {
		s.damage = append(s.damage, damageOf(err, path(fs, number), one.end))
	}
	return nil
}

func (s *recovery) quarantine(d *segment.DamageError, number uint64, size int64) {
	s.damage = append(s.damage, d)
	s.quarantined[number] = size
}

// join finds the place from which a file continues, and drops what its header overrules:
// everything between that place and the file.
func (s *recovery) join(fs disk.FS, h segment.Header, chain string, number uint64) error {
	if h.Chain != chain || h.Number != number {
		return fmt.Errorf("it is file %d of the %s records", h.Number, h.Chain)
	}
	if h.PrevNumber == 0 || len(s.valid) == 0 {
		return s.start(h, chain)
	}
	for i := len(s.valid) - 1; i >= 0; i-- {
		b := &s.valid[i]
		if b.number != h.PrevNumber {
			continue
		}
		end := b.end
		if h.PrevEnd != end.Offset || h.PrevHash != end.Hash {
			if h.Follows == segment.FollowsSealed || h.PrevEnd > end.Offset {
				break
			}
			var err error
			if end, err = endAt(fs, b, h.PrevEnd); err != nil || end.Hash != h.PrevHash {
				break
			}
		} else if i < len(s.valid)-1 && h.Follows == segment.FollowsSealed {
			break
		}
		if h.First < end.Next {
			break
		}
		for _, later := range s.valid[i+1:] {
			s.quarantined[later.number] = later.size
		}
		s.valid = s.valid[:i+1]
		b.end = end
		s.markKnown(h.Follows)
		return nil
	}
	return fmt.Errorf("it does not follow the files before it: it continues from offset %d of file %d", h.PrevEnd, h.PrevNumber)
}

// start adds a file whose predecessor is not there.
func (s *recovery) start(h segment.Header, chain string) error {
	switch {
	case h.PrevNumber == 0 && (len(s.valid) == 0 || h.Follows != segment.FollowsNothing):
		for _, b := range s.valid {
			s.quarantined[b.number] = b.size
		}
		s.valid = nil
		s.markKnown(h.Follows)
		return nil
	case h.PrevNumber == 0:
		return errors.New("it claims to be the first file and is not")
	case len(s.damage) > s.known:
		return errors.New("no file before it is valid")
	case keepsAll(chain):
		return errMissing
	}
	return nil // the files before it were dropped for their age or size
}

// markKnown marks the damage before a file as known, since the file continues from a place
// before it. What a failed write left behind is not damage and is removed.
func (s *recovery) markKnown(follows segment.Follows) {
	left := slices.DeleteFunc(s.damage[s.known:], func(d *segment.DamageError) bool {
		return follows == segment.FollowsFailure || d.Torn && d.Number == 0
	})
	s.damage = s.damage[:s.known+len(left)]
	s.known = len(s.damage)
}

// endAt returns the end of a file at an offset, up to which it reads the file.
func endAt(fs disk.FS, b *segmentInfo, offset int64) (segment.End, error) {
	f, err := fs.Open(nameOf(b.number))
	if err != nil {
		return segment.End{}, err
	}
	defer func() { _ = f.Close() }()
	r, err := segment.NewReader(path(fs, b.number), f, offset)
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, io.EOF) {
		return segment.End{}, err
	}
	return r.End(), nil
}

// damageOf returns err as damage: it came while reading what stands behind end.
func damageOf(err error, file string, end segment.End) *segment.DamageError {
	var d *segment.DamageError
	if errors.As(err, &d) {
		return d
	}
	return &segment.DamageError{File: file, Offset: end.Offset, Number: end.Next, Cause: err}
}

// keepsAll reports whether no record of a chain is ever dropped.
func keepsAll(chain string) bool { return chain == "audit" }
