package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/operator/sshsig"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A proposal is three kinds of files that lie beside each other:
//
//	FILE         the exact bytes to sign, an encoded AdminCommand
//	FILE.json    what they mean, and the blast radius whose hash they carry
//	FILE.sig*    OpenSSH signatures over FILE, armored, one each
//
// So `ssh-keygen -Y sign -n meshos-admin -f KEY FILE` works on it as it is. Only
// FILE is signed: FILE.json is believed in nothing but a blast radius that has the
// hash in FILE.

// maxProposal is the largest command that a node looks at, in bytes.
const maxProposal = 64 << 10

// proposal is a command that waits for signatures.
type proposal struct {
	order

	path    string
	payload []byte
	command *meshosv1.AdminCommand
	blast   *meshosv1.BlastRadius // nil: not there, or another than was signed
}

// beside is the content of FILE.json.
type beside struct {
	Command     json.RawMessage `json:"command"`
	BlastRadius json.RawMessage `json:"blast_radius,omitempty"`
}

// writeProposal creates the files, for this user alone. It replaces none.
func writeProposal(path string, payload []byte, blast *meshosv1.BlastRadius) error {
	var command meshosv1.AdminCommand
	if err := proto.Unmarshal(payload, &command); err != nil {
		return fmt.Errorf("--propose %s: %w", path, err)
	}
	var meaning beside
	var err error
	names := protojson.MarshalOptions{UseProtoNames: true}
	if meaning.Command, err = names.Marshal(&command); err != nil {
		return fmt.Errorf("--propose %s: %w", path, err)
	}
	if blast != nil {
		if meaning.BlastRadius, err = names.Marshal(blast); err != nil {
			return fmt.Errorf("--propose %s: %w", path, err)
		}
	}
	text, err := json.MarshalIndent(meaning, "", "  ")
	if err != nil {
		return fmt.Errorf("--propose %s: %w", path, err)
	}
	old, err := signatureFiles(path)
	if err != nil {
		return fmt.Errorf("--propose: %w", err)
	}
	if len(old) > 0 {
		return fmt.Errorf("--propose: %s is there already, of an earlier proposal; choose another name", old[0])
	}
	if err := createFile(path, payload); err != nil {
		return err
	}
	return createFile(path+".json", append(text, '\n'))
}

func createFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--propose: %s is there already; choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("--propose: %w", err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("--propose: %w", err)
	}
	return nil
}

// readProposal reads a proposal, and gives an error for one of which this version
// can't show all.
func readProposal(path string) (*proposal, error) {
	payload, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	if len(payload) > maxProposal {
		return nil, bad("%d bytes are more than a command has; it is no proposal", len(payload))
	}
	out := &proposal{path: path, payload: payload, command: &meshosv1.AdminCommand{}}
	if err := proto.Unmarshal(payload, out.command); err != nil || len(payload) == 0 {
		return nil, bad("it is no proposal; --propose FILE makes one")
	}
	var known meshosv1.AdminCommand
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, &known); err != nil || proto.Size(&known) != proto.Size(out.command) {
		return nil, bad("it holds more than this version of meshos can show, so it must not be signed with it")
	}
	if out.order, err = newOrder(out.command.GetEvent()); err != nil {
		return nil, bad("it is no proposal: %v", err)
	}
	switch n := len(out.command.GetBlastHash()); {
	case !out.command.GetIssuedAt().IsValid() || len(out.command.GetNonce()) != nonceSize:
		return nil, bad("it has no time of issue, or no nonce of %d bytes: no node will take it", nonceSize)
	case out.ice && n != sha256.Size, !out.ice && n != 0:
		return nil, bad("its blast hash has %d bytes, which no node will take for %s", n, out.kind)
	}
	out.blast = blastBeside(path, out.command.GetBlastHash())
	return out, nil
}

// blastBeside gives the blast radius of FILE.json if it is the one that was hashed.
func blastBeside(path string, hash []byte) *meshosv1.BlastRadius {
	raw, err := os.ReadFile(path + ".json")
	if err != nil {
		return nil
	}
	var meaning beside
	var blast meshosv1.BlastRadius
	if json.Unmarshal(raw, &meaning) != nil || meaning.BlastRadius == nil ||
		protojson.Unmarshal(meaning.BlastRadius, &blast) != nil || !bytes.Equal(hashOf(&blast), hash) {
		return nil
	}
	return &blast
}

// left is how long the command still counts, negative once it does not.
func (p *proposal) left(now time.Time, freshness time.Duration) time.Duration {
	return p.command.GetIssuedAt().AsTime().Add(freshness).Sub(now)
}

// signatureFiles lists FILE.sig and whatever else begins like that.
func signatureFiles(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(path)+".sig") {
			found = append(found, filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
	return found, nil
}

// heldSignature is one signature beside a proposal.
type heldSignature struct {
	file string
	key  sshsig.Key
	raw  []byte
}

// signatures reads all signatures beside a proposal, one for each key. One that
// does not fit is an error: a node rejects all for one that is wrong.
func (p *proposal) signatures() ([]heldSignature, error) {
	files, err := signatureFiles(p.path)
	if err != nil {
		return nil, err
	}
	var out []heldSignature
	seen := map[sshsig.Key]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		raw, err := sshsig.Dearmor(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; remove it", file, err)
		}
		parsed, err := sshsig.Parse(raw)
		if err == nil {
			err = parsed.Verify(signNamespace, p.payload, sshsig.TouchNotRequired)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: it is no signature over %s in the namespace %s: %w; remove it", file, p.path, signNamespace, err)
		}
		if !seen[parsed.Key] {
			seen[parsed.Key] = true
			out = append(out, heldSignature{file: file, key: parsed.Key, raw: raw})
		}
	}
	return out, nil
}

// signed gives the command as a node takes it, with what signatures there are.
func (p *proposal) signed(held []heldSignature) *meshosv1.SignedCommit {
	out := &meshosv1.SignedCommit{Payload: p.payload}
	for _, s := range held {
		out.Signatures = append(out.Signatures, s.raw)
	}
	return out
}

// keep writes a signature beside a proposal, and gives the file's name.
func (p *proposal) keep(key sshsig.Key, raw []byte) (string, error) {
	short := strings.NewReplacer("/", "_", "+", "-").Replace(strings.TrimPrefix(key.Fingerprint(), "SHA256:"))
	path := p.path + ".sig." + short[:min(len(short), 10)]
	if err := os.WriteFile(path, sshsig.Armor(raw), 0o600); err != nil {
		return "", fmt.Errorf("keep the signature: %w", err)
	}
	return path, nil
}
