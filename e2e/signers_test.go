package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The file system that the signers are on does not answer: that takes nobody's daemons, and
// gives nobody the right to command.
func TestASignersFileThatIsNeverReadRefusesEveryOrder(t *testing.T) {
	dead, end := testkit.DeadMount(t)
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"demo\"\ncommand = [\"sleep\", \"1000\"]\n",
		"[operators]\nsigners = \"allowed_signers\"\nallow_unsigned = true\n")
	file := filepath.Join(n.dir, "allowed_signers")
	if err := os.Symlink(dead+"/signers", file); err != nil {
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

	end()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.hangUp()
	n.until("the order to be taken", func(s *meshosv1.Snapshot) bool {
		_, _, code := n.meshos("publish", stop)
		return code == 0
	})
	s := n.until("the daemon to stop", func(s *meshosv1.Snapshot) bool { return !runs(s, 3) })
	if why := s.GetInfo().GetOrdersRefused(); why != "" {
		t.Errorf("the snapshot still says that orders are refused: %s", why)
	}
}
