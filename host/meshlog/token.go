package meshlog

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/internal/readfile"
)

// tokenPrefix is what the text of a token begins with. It names the version.
const tokenPrefix = "meshos1."

// maxToken bounds a token, in bytes.
const maxToken = 16 << 10

// Token makes a node a member of a mesh, once.
type Token struct {
	Cluster  string
	Node     mesh.NodeID
	Seed     bool // the node is to carry the log
	Founding cluster.Hash
	Seeds    []string // addresses
	Pins     [][]byte // SHA-256 of the seeds' link keys
	Key      []byte   // seed of the ed25519 key that signs the joining
	Expires  time.Time
	// Again says that the node is a member and only fetches the log anew; it needs no key.
	Again bool
}

// tokenJSON is a token as it is written.
type tokenJSON struct {
	Cluster  string    `json:"cluster"`
	Node     uint64    `json:"node"`
	Seed     bool      `json:"seed,omitempty"`
	Founding string    `json:"founding"`
	Seeds    []string  `json:"seeds"`
	Pins     []string  `json:"pins"`
	Key      []byte    `json:"key"`
	Expires  time.Time `json:"expires"`
	Again    bool      `json:"again,omitempty"`
}

func (t Token) encode() ([]byte, error) {
	out := tokenJSON{
		Cluster: t.Cluster, Node: uint64(t.Node), Seed: t.Seed, Founding: hex.EncodeToString(t.Founding[:]), Seeds: t.Seeds,
		Key: t.Key, Expires: t.Expires.UTC(), Again: t.Again,
	}
	for _, p := range t.Pins {
		out.Pins = append(out.Pins, hex.EncodeToString(p))
	}
	return json.Marshal(out)
}

// Text returns the token as operators hand it on: one word. Whoever has it can become the
// member.
func (t Token) Text() (string, error) {
	raw, err := t.encode()
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// ParseToken reads the text of a token.
func ParseToken(text string) (Token, error) {
	body, is := strings.CutPrefix(strings.TrimSpace(text), tokenPrefix)
	if !is {
		return Token{}, fmt.Errorf("this is not a token: one begins with %q and is made with `meshos mesh token`", tokenPrefix)
	}
	if len(body) > maxToken {
		return Token{}, errors.New("this is not a token: it is too long")
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Token{}, errors.New("the token is not complete: copy all of it, in one word")
	}
	return decodeToken(raw)
}

func decodeToken(raw []byte) (Token, error) {
	var in tokenJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return Token{}, errors.New("the token is not complete: copy all of it, in one word")
	}
	t := Token{Cluster: in.Cluster, Node: mesh.NodeID(in.Node), Seed: in.Seed, Seeds: in.Seeds, Key: in.Key, Expires: in.Expires, Again: in.Again}
	founding, err := hex.DecodeString(in.Founding)
	if err != nil || len(founding) != len(t.Founding) || in.Node == 0 || in.Cluster == "" || !in.Again && (len(in.Key) != ed25519.SeedSize || len(in.Seeds) == 0) {
		return Token{}, errors.New("the token is damaged; make another one with `meshos mesh token`")
	}
	copy(t.Founding[:], founding)
	for _, p := range in.Pins {
		pin, err := hex.DecodeString(p)
		if err != nil || len(pin) != len(cluster.Hash{}) {
			return Token{}, errors.New("the token is damaged; make another one with `meshos mesh token`")
		}
		t.Pins = append(t.Pins, pin)
	}
	return t, nil
}

// tokenKey signs with the key of a token.
type tokenKey struct{ key ed25519.PrivateKey }

// Sign implements cluster.Signer.
func (k tokenKey) Sign(message []byte) []byte { return ed25519.Sign(k.key, message) }

// joining returns what a node hands in that has the token.
func (t Token) joining(name string, key Key) ([]byte, error) {
	own, link, err := key.Keys()
	if err != nil {
		return nil, err
	}
	j := cluster.NewJoining(t.Node, name, own, link, tokenKey{ed25519.NewKeyFromSeed(t.Key)}, key)
	return proto.MarshalOptions{Deterministic: true}.Marshal(j)
}

// joiningName is the file of the token of a node that is about to become a member.
const joiningName = "joining"

// StoreJoining keeps a token in a data directory: the node joins when it runs.
func StoreJoining(dataDir string, t Token) error { return storeToken(dataDir, joiningName, t) }

// readJoining returns the token of a node that is about to become a member; nil for none.
func readJoining(dataDir string) (*Token, error) { return readToken(dataDir, joiningName) }

func storeToken(dataDir, name string, t Token) error {
	raw, err := t.encode()
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	dir := nodekey.Dir(dataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, name), raw, 0o600, renameio.WithTempDir(dir)); err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	return syncDir(dir)
}

// readToken returns what storeToken kept under a name; nil for nothing.
func readToken(dataDir, name string) (*Token, error) {
	path := filepath.Join(nodekey.Dir(dataDir), name)
	raw, err := readfile.Read(path, maxToken)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := decodeToken(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &t, nil
}

func removeJoining(dataDir string) {
	_ = os.Remove(filepath.Join(nodekey.Dir(dataDir), joiningName))
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// syncDir makes the names in a folder survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
