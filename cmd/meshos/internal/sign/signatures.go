package sign

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Signature is a signature over a proposal.
type Signature struct {
	key sshsig.Key
	raw []byte
}

// Signatures reads the signatures beside the proposal, one of each key. A signature that
// does not verify is an error, since a node would reject the command for it.
func (p *Proposal) Signatures() ([]Signature, error) {
	files, err := signatureFiles(p.path)
	if err != nil {
		return nil, err
	}
	var out []Signature
	seen := map[sshsig.Key]bool{}
	for _, file := range files {
		text, err := readfile.Read(file, readfile.MaxText)
		if err != nil {
			return nil, err
		}
		raw, err := sshsig.Dearmor(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; remove it", file, err)
		}
		parsed, err := sshsig.Parse(raw)
		if err == nil {
			err = parsed.Verify(Namespace, p.Payload, sshsig.TouchNotRequired)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: it is not a signature over %s in the namespace %s: %w; remove it, and sign with\n    ssh-keygen -Y sign -n %[3]s -f KEY %[2]s",
				file, p.path, Namespace, err)
		}
		if !seen[parsed.Key] {
			seen[parsed.Key] = true
			out = append(out, Signature{key: parsed.Key, raw: raw})
		}
	}
	return out, nil
}

// Counting returns the names of the different operators whose signatures count, and why others
// do not. It is false if it is not known who the operators are.
func Counting(signatures []Signature, target Target, now time.Time) (names, doubtful []string, known bool) {
	operators := target.operators(now)
	if operators == nil {
		return nil, nil, false
	}
	for _, s := range signatures {
		name, why := operators.find(s.key)
		switch {
		case why != "":
			doubtful = append(doubtful, s.key.Fingerprint()+" "+why)
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names, doubtful, true
}

// signatureFiles lists the files beside a proposal whose names begin with FILE.sig.
func signatureFiles(path string) ([]string, error) {
	entries, err := readfile.Do(filepath.Dir(path), readfile.Within, func() ([]os.DirEntry, error) { return os.ReadDir(filepath.Dir(path)) })
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

// AddSignature writes a signature beside the proposal and returns the file's name.
func (p *Proposal) AddSignature(key Key, raw []byte) (string, error) {
	short := strings.NewReplacer("/", "_", "+", "-").Replace(strings.TrimPrefix(key.key.Fingerprint(), "SHA256:"))
	path := p.path + ".sig." + short[:min(len(short), 10)]
	if err := os.WriteFile(path, sshsig.Armor(raw), 0o600); err != nil {
		return "", fmt.Errorf("write the signature: %w", err)
	}
	return path, nil
}

// Commit returns the command with signatures, as it is sent to a node.
func (p *Proposal) Commit(signatures []Signature) *meshosv1.SignedCommit {
	out := &meshosv1.SignedCommit{Payload: p.Payload}
	for _, s := range signatures {
		out.Signatures = append(out.Signatures, s.raw)
	}
	return out
}
