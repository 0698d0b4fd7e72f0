package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Proposal is a command that waits for signatures. It is three kinds of files beside each
// other:
//
//	FILE         the exact bytes to sign, an encoded AdminCommand
//	FILE.json    the same command as JSON, and the blast radius whose hash it has
//	FILE.sig*    OpenSSH signatures over FILE, armored, one in each
//
// so that `ssh-keygen -Y sign -n meshos-admin -f KEY FILE` can sign it. Only FILE is
// signed; of FILE.json nothing is used but a blast radius that has the hash in FILE.
type Proposal struct {
	Command

	Payload []byte
	Admin   *meshosv1.AdminCommand // the payload, decoded
	Blast   *meshosv1.BlastRadius  // nil if FILE.json does not have the one that is signed

	path string
}

// sidecar is the content of FILE.json.
type sidecar struct {
	Command     json.RawMessage `json:"command"`
	BlastRadius json.RawMessage `json:"blast_radius,omitempty"`
}

// WriteProposal creates the files of a proposal, readable for this user only. It replaces
// no file. blast is nil for an ordinary command.
func WriteProposal(path string, payload []byte, blast *meshosv1.BlastRadius) error {
	text, err := sidecarText(payload, blast)
	if err != nil {
		return fmt.Errorf("--propose %s: %w", path, err)
	}
	old, err := signatureFiles(path)
	if err != nil {
		return fmt.Errorf("--propose: %w", err)
	}
	if len(old) > 0 {
		return fmt.Errorf("--propose: %s exists already, from an earlier proposal; choose another name", old[0])
	}
	if err := createFile(path, payload); err != nil {
		return err
	}
	return createFile(path+".json", text)
}

func sidecarText(payload []byte, blast *meshosv1.BlastRadius) ([]byte, error) {
	var command meshosv1.AdminCommand
	if err := proto.Unmarshal(payload, &command); err != nil {
		return nil, err
	}
	var content sidecar
	var err error
	if content.Command, err = view.MarshalJSON(&command); err != nil {
		return nil, err
	}
	if blast != nil {
		if content.BlastRadius, err = view.MarshalJSON(blast); err != nil {
			return nil, err
		}
	}
	text, err := json.MarshalIndent(content, "", "  ")
	return append(text, '\n'), err
}

func createFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--propose: %s exists already; choose another name", path)
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

// ReadProposal reads a proposal. It refuses one that this version can't show completely,
// and one that no node would accept.
func ReadProposal(path string) (*Proposal, error) {
	payload, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	if len(payload) > rules.MaxPayload {
		return nil, bad("it is not a proposal: it has %d bytes, and a command has at most %d", len(payload), rules.MaxPayload)
	}
	p := &Proposal{path: path, Payload: payload, Admin: &meshosv1.AdminCommand{}}
	if err := proto.Unmarshal(payload, p.Admin); err != nil || len(payload) == 0 {
		return nil, bad("it is not a proposal; --propose FILE makes one")
	}
	var known meshosv1.AdminCommand
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, &known); err != nil || proto.Size(&known) != proto.Size(p.Admin) {
		return nil, bad("it has fields that this version of meshos can't show, so it must not be signed with this version")
	}
	if p.Command, err = NewCommand(p.Admin.GetEvent()); err != nil {
		return nil, bad("it is not a proposal: %v", err)
	}
	p.Reason = p.Admin.GetReason()
	switch n := len(p.Admin.GetBlastHash()); {
	case !p.Admin.GetIssuedAt().IsValid() || len(p.Admin.GetNonce()) != rules.NonceSize:
		return nil, bad("it has no time of issue, or no nonce of %d bytes: no node will accept it", rules.NonceSize)
	case p.BreakGlass && n != rules.HashSize, !p.BreakGlass && n != 0:
		return nil, bad("its blast hash has %d bytes, which no node will accept for %s", n, p.Kind)
	}
	p.Blast = readBlast(path+".json", p.Admin.GetBlastHash())
	return p, nil
}

// readBlast returns the blast radius in FILE.json, or nil if its hash is another one.
func readBlast(path string, hash []byte) *meshosv1.BlastRadius {
	raw, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return nil
	}
	var content sidecar
	var blast meshosv1.BlastRadius
	if json.Unmarshal(raw, &content) != nil || content.BlastRadius == nil || protojson.Unmarshal(content.BlastRadius, &blast) != nil {
		return nil
	}
	if sum, err := operator.Hash(&blast); err != nil || !bytes.Equal(sum[:], hash) {
		return nil
	}
	return &blast
}

// Left returns for how much longer a node accepts the proposal. It is negative once the
// proposal has expired.
func (p *Proposal) Left(now time.Time, target Target) time.Duration {
	return p.Admin.GetIssuedAt().AsTime().Add(target.Freshness).Sub(now)
}
