package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/scrub"
)

// The records of a block, as nats-server writes them since 2.2:
// length(4) number(8) time(8) length of the subject(2) subject [length of the header(4) header] message sum(8).
// The sum leaves the lengths out.
const (
	recordHead   = 22
	recordSum    = 8
	recordMost   = 32 << 20
	withHeader   = 1 << 31 // in the length
	erased       = 1 << 63 // in the number
	tombstone    = 1 << 62
	lookAgainIn  = time.Second
	looksAtFault = 3 // a record that is being written looks like a fault
	maxBlock     = 256 << 20
)

// StreamDir returns where a server keeps a stream.
func StreamDir(srv *server.Server, account, stream string) string {
	return filepath.Join(srv.StoreDir(), account, "streams", stream)
}

// Folders returns what a server that does not run has to lack, so that it copies a stream anew from the
// others when it starts: the stream, and the entries by which it came to be, of its consumers too. The server
// has to run now. What it has voted for stays.
func Folders(srv *server.Server, account, stream string) ([]string, error) {
	z, err := srv.Jsz(&server.JSzOptions{Account: account, Streams: true, Consumer: true, RaftGroups: true})
	if err != nil {
		return nil, fmt.Errorf("read what this node's server holds: %w", err)
	}
	for _, a := range z.AccountDetails {
		for _, one := range a.Streams {
			if one.Name != stream {
				continue
			}
			out := []string{StreamDir(srv, account, stream)}
			groups := []string{one.RaftGroup}
			for _, c := range one.ConsumerRaftGroups {
				groups = append(groups, c.RaftGroup)
			}
			for _, group := range groups {
				if group != "" {
					dir := filepath.Join(srv.StoreDir(), server.DEFAULT_SYSTEM_ACCOUNT, "_js_", group)
					out = append(out, filepath.Join(dir, "msgs"), filepath.Join(dir, "snapshots"))
				}
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("this node's server does not hold %s", stream)
}

// ReadBlocks reads all blocks of a stream, and checks the sum of each record. Dir is that of the stream.
// Pace is called before so many bytes are read. The files are only read: their server goes on
// writing them.
func ReadBlocks(ctx context.Context, dir, stream string, pace func(ctx context.Context, bytes int64) error) (scrub.Copy, error) {
	out := scrub.Copy{Sums: map[uint64]scrub.Sum{}}
	names, err := blockNames(dir)
	if err != nil {
		return out, err
	}
	var last uint64
	for i, name := range names {
		path := filepath.Join(dir, "msgs", name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was dropped meanwhile
		} else if err != nil {
			return out, fmt.Errorf("read the blocks of %s: %w", stream, err)
		}
		if err := pace(ctx, info.Size()); err != nil {
			return out, err
		}
		b := &block{path: path, key: strings.TrimSuffix(name, ".blk"), stream: stream, newest: i == len(names)-1}
		fault := ""
		for look := range looksAtFault {
			if look > 0 && !waitUntil(ctx, time.Now().Add(lookAgainIn)) {
				return out, context.Cause(ctx)
			}
			if fault, err = b.read(); err != nil {
				return out, fmt.Errorf("read the blocks of %s: %w", stream, err)
			}
			if fault == "" {
				break
			}
		}
		if fault != "" {
			out.Faults = append(out.Faults, fault)
		}
		out.Bytes += info.Size()
		out.Unread = out.Unread || b.compressed
		for _, r := range b.records {
			if r.number > last {
				last = r.number
				out.Add(r.number, r.sum)
			}
		}
	}
	return out, nil
}

// blockNames returns the names of the files of a stream's messages, oldest first.
func blockNames(dir string) ([]string, error) {
	files, err := os.ReadDir(filepath.Join(dir, "msgs"))
	if err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	index := func(name string) uint64 {
		n, err := strconv.ParseUint(strings.TrimSuffix(name, ".blk"), 10, 32)
		if err != nil || !strings.HasSuffix(name, ".blk") {
			return 0
		}
		return n
	}
	var names []string
	for _, f := range files {
		if index(f.Name()) > 0 {
			names = append(names, f.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return int(index(a)) - int(index(b)) })
	return names, nil
}

// block is one file of records.
type block struct {
	path, key, stream string
	newest            bool
	compressed        bool
	records           []record
}

type record struct{ number, sum uint64 }

// read reads the file, and returns what is wrong with it, or "".
func (b *block) read() (fault string, err error) {
	b.records = b.records[:0]
	raw, err := readUncached(b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case errors.Is(err, unix.EIO):
		return fmt.Sprintf("%s: %v", filepath.Base(b.path), err), nil
	case err != nil:
		return "", err
	}
	if bytes.HasPrefix(raw, []byte("cmp")) && len(raw) > 3 && server.StoreCompression(raw[3]) == server.S2Compression {
		b.compressed = true
		return "", nil
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%s", b.stream, b.key))
	check, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return "", err
	}
	wrong := func(at int, why string) (string, error) {
		last := uint64(0)
		if n := len(b.records); n > 0 {
			last = b.records[n-1].number
		}
		return fmt.Sprintf("%s is damaged at byte %d, after message %d: %s", filepath.Base(b.path), at, last, why), nil
	}
	for at := 0; at < len(raw); {
		rest := raw[at:]
		if len(rest) < recordHead {
			return wrong(at, "a record is cut off")
		}
		length, hasHeader := lengthOf(rest)
		if length < recordHead+recordSum || length > recordMost || length > len(rest) {
			return wrong(at, fmt.Sprintf("a record says that it has %d bytes", length))
		}
		r, ok := readRecord(rest[:length], hasHeader, check)
		if !ok {
			return wrong(at, "the sum of a record is another one")
		}
		if r.number&(erased|tombstone) == 0 && r.number != 0 {
			b.records = append(b.records, r)
		}
		at += length
	}
	return "", nil
}

func lengthOf(head []byte) (length int, hasHeader bool) {
	n := binary.LittleEndian.Uint32(head)
	return int(n &^ withHeader), n&withHeader != 0
}

// readRecord returns the number of a record and a sum of all of it, and reports whether its own
// sum is right.
func readRecord(raw []byte, hasHeader bool, check hash.Hash64) (record, bool) {
	subject := int(binary.LittleEndian.Uint16(raw[20:]))
	data, want := raw[recordHead:len(raw)-recordSum], raw[len(raw)-recordSum:]
	skip := subject
	if hasHeader {
		skip += 4
	}
	if skip > len(data) {
		return record{}, false
	}
	check.Reset()
	_, _ = check.Write(raw[4:20])
	_, _ = check.Write(data[:subject])
	_, _ = check.Write(data[skip:])
	got := check.Sum(nil)
	if !bytes.Equal(got, want) {
		return record{}, false
	}
	// What the sum leaves out is where the subject and the header end.
	sum := binary.LittleEndian.Uint64(got) ^ uint64(subject)*0x9E3779B97F4A7C15
	if hasHeader {
		sum ^= uint64(binary.LittleEndian.Uint32(data[subject:])+1) * 0xC2B2AE3D27D4EB4F
	}
	return record{binary.LittleEndian.Uint64(raw[4:]), sum}, true
}

// readUncached reads a file from the disk, not from memory, as far as the system allows that.
func readUncached(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBlock {
		return nil, fmt.Errorf("%s has %d bytes, which is more than a block has", path, info.Size())
	}
	raw := make([]byte, info.Size())
	n, err := f.ReadAt(raw, 0)
	if err != nil && !errors.Is(err, io.EOF) { // it may have become shorter
		return nil, err
	}
	return raw[:n], nil
}
