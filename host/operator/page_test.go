package operator_test

import (
	"os"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// The page for operators lists every kind of rejection, in the order of the checks.
func TestEveryRejectionIsDocumentedInOrder(t *testing.T) {
	page, err := os.ReadFile("../../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(page), "## Rejections")
	if !found {
		t.Fatal("there is no list")
	}
	for _, kind := range []string{
		mesh.RejectMalformed, mesh.RejectUnsigned, rules.KindRequiresBundle, rules.KindSimulation, rules.KindWrongCluster,
		rules.KindFuture, rules.KindExpired, rules.KindReplayed, rules.KindMismatch, rules.KindTooMany,
		rules.KindRateLimited, rules.KindSignature, rules.KindNotAuthorized, rules.KindInsufficient,
		rules.KindCooldown, rules.KindAuditFull, rules.KindStoreUnavailable, mesh.RejectFrozen,
	} {
		_, rest, found := strings.Cut(list, "`"+kind+"`")
		if !found {
			t.Errorf("%s is not there, or not in its place", kind)
			continue
		}
		list = rest
	}
}
