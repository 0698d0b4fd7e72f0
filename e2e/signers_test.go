package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The file system that the signers are on does not answer: that takes nobody's daemons, and
// gives nobody the right to command.
func TestASignersFileThatIsNeverReadRefusesEveryOrder(t *testing.T) {
	t.Parallel()
	dead := hangfs.Hung(t)
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"demo\"\ncommand = [\"sleep\", \"1000\"]\n",
		"[operators]\nsigners = \"allowed_signers\"\nallow_unsigned = true\n")
	file := filepath.Join(n.dir, "allowed_signers")
	if err := os.Symlink(dead.Dir+"/signers", file); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(errs, "operators.signers: can't be read") {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
	n.start()
	n.until("the daemon to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
	stop := `{"daemon_intent":{"daemon":{"id":3},"intent":"INTENT_STOP"}}`
	if _, errs, code := n.meshos("publish", stop); code != 4 || !strings.Contains(errs, "signers_unreadable") {
		t.Errorf("publish: exit %d\n%s", code, errs)
	}
	if out := n.must("failures"); !strings.Contains(out, "signers_unreadable") {
		t.Errorf("failures do not say it:\n%s", out)
	}
	why := "the signers file can't be read: " + file
	if out := strings.Join(strings.Fields(n.must("status")), " "); !strings.HasPrefix(out, "Orders are refused: "+why) ||
		!strings.Contains(out, "Nobody may command until that is mended") {
		t.Errorf("status does not begin with it:\n%s", out)
	}
	if out, _, code := n.meshos("health", "--ignore-peers"); code != 1 || !strings.HasPrefix(out, "Orders are refused: "+why) {
		t.Errorf("health: exit %d: %s", code, out)
	}

	dead.End()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.until("the order to be taken", func(s *meshosv1.Snapshot) bool {
		n.meshos("reload") // which takes the file once the call that hung has returned
		_, _, code := n.meshos("publish", stop)
		return code == 0
	})
	s := n.until("the daemon to stop", func(s *meshosv1.Snapshot) bool { return !runs(s, 3) })
	if why := s.GetInfo().GetOrdersRefused(); why != "" {
		t.Errorf("the snapshot still says that orders are refused: %s", why)
	}
}

// An editor has put a byte-order mark before the file. The one person whose two keys are in it
// is one person all the same.
func TestAByteOrderMarkMakesNoSecondOperator(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "", "[operators]\nsigners = \"allowed_signers\"\n")
	line := func(name string, key byte) string {
		return name + " " + string(ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(t, key)))
	}
	file := filepath.Join(n.dir, "allowed_signers")
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("\ufeff" + line("ana", 1) + line("ana", 2))
	if _, errs, code := n.meshos("validate"); code != 0 || !strings.Contains(errs, "break_glass: needs 2 different operators, but "+file+" names 1") {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
	var keys []string
	for i := range byte(2) {
		path := filepath.Join(n.dir, "key"+string('1'+rune(i)))
		testkit.SSHKeyFile(t, path, i+1, "")
		keys = append(keys, "--key-file", path)
	}
	n.start()
	n.until("the node to answer", func(*meshosv1.Snapshot) bool { return true })
	proposal := filepath.Join(n.dir, "freeze.cmd")
	hash := n.blastHash("ice", "freeze", "--ttl", "10m", "--propose", proposal)
	n.must(append([]string{"ice", "sign", proposal, "--yes", "--expect-hash", hash}, keys...)...)
	if _, errs, code := n.meshos("ice", "commit", proposal, "--yes", "--expect-hash", hash); code != 4 || !strings.Contains(errs, "insufficient_signatures") {
		t.Errorf("a freeze signed by one person: exit %d\n%s", code, errs)
	}

	// A name that looks like hers is not taken over.
	save(line("ana", 1) + line("\u0430na", 2))
	n.hangUp()
	n.until("the file to be refused", func(s *meshosv1.Snapshot) bool { return failed(s, "reload", "U+0430") })
	if out := strings.Join(strings.Fields(n.must("operators", "list")), " "); !strings.Contains(out, "can't be taken over as it is now") ||
		!strings.Contains(out, "allowed_signers:2: the principal \"аna\" looks like \"ana\" of line 1 (character 1 is U+0430 'а' of Cyrillic, not U+0061 'a' of Latin)") {
		t.Errorf("operators list:\n%s", out)
	}
}
