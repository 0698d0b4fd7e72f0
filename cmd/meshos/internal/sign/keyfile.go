package sign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/internal/readfile"
)

// fileKey reads a private key. The passphrase of a locked key is asked for when the key
// signs, so that nobody types it in vain.
func (s *Signer) fileKey(path string) (Key, error) {
	raw, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return Key{}, fmt.Errorf("--key-file: %w", err)
	}
	key := Key{from: path, comment: publicComment(path)}
	opened, err := ssh.ParsePrivateKey(raw)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		key.open = func(context.Context) (ssh.Signer, error) { return opened, nil }
		key.key, err = sshsig.ParseKey(opened.PublicKey().Marshal())
	case errors.As(err, &locked) && locked.PublicKey != nil:
		key.open = func(ctx context.Context) (ssh.Signer, error) { return s.unlock(ctx, path, raw) }
		key.key, err = sshsig.ParseKey(locked.PublicKey.Marshal())
	default:
		err = fmt.Errorf("it is not an OpenSSH private key that can be used here (%w)\n"+
			"    a security key can only sign through the ssh-agent: add it with ssh-add and use --key", err)
	}
	if err == nil {
		err = checkPermissions(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("--key-file %s: %w", path, err)
	}
	return key, nil
}

// checkPermissions refuses a key file of this user that others may read or write, as ssh
// does: somebody else may have the key by now.
func checkPermissions(path string) error {
	info, err := readfile.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if open := info.Mode().Perm() & 0o077; open == 0 || !ok || int(owner.Uid) != os.Getuid() {
		return nil
	}
	return fmt.Errorf("others have access to it (its mode is %04o), so the key may no longer be secret\n    chmod 600 %s", info.Mode().Perm(), path)
}

func (s *Signer) unlock(ctx context.Context, path string, raw []byte) (ssh.Signer, error) {
	if s.Prompter == nil {
		return nil, &UsageError{fmt.Errorf("--key-file %s: it has a passphrase, and there is no terminal to ask for it\n    add it with ssh-add and use --key", path)}
	}
	passphrase, err := s.Prompter.Ask(ctx, "Passphrase of "+path+": ", true)
	if err != nil {
		return nil, err
	}
	opened, err := ssh.ParsePrivateKeyWithPassphrase(raw, []byte(passphrase))
	if err != nil {
		return nil, fmt.Errorf("%s: the passphrase is wrong", path)
	}
	return opened, nil
}

// publicComment returns the comment of the public key beside a private one, "" for none.
func publicComment(path string) string {
	raw, err := readfile.Read(path+".pub", readfile.MaxText)
	if err != nil {
		return ""
	}
	_, comment, _, _, err := ssh.ParseAuthorizedKey(raw)
	if err != nil {
		return ""
	}
	return comment
}
