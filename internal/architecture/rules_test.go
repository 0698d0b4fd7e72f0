package architecture

// The sets of packages that the rules are written with.
const (
	// parts are host and all packages below it.
	parts = "host/..."
	// tools are packages of host that several parts use.
	tools = "host/cgroup host/config host/follow host/process host/rights host/wire"
	// core decides what a node does.
	core = "host/mesh host/scratch host/entries host/marks host/due host/state host/reconcile host/snapshot host/snapshot/shared"
	// contract is what other programs rely on.
	contract = "proto/..."
	// wire is what a host and a plugin agree on beside it.
	wire = "pluginsdk/wire"
	// helpers are small packages that need the standard library only.
	helpers = "internal/..."
	// forTests are the helpers of tests and the programs of the build: no program that
	// is shipped imports them.
	forTests = "e2e/... internal/apidiff internal/architecture internal/catalogtest internal/conformance " +
		"internal/golden internal/netlab internal/meshlab/... internal/hangfs internal/snapshottest internal/statetest internal/testkit internal/testneeds internal/torture/... internal/soak/... internal/scenario internal/sim bench/..."
)

// rule says what the packages of a pattern may import of this project. Packages that
// share their first two path elements (host/catalog, host/catalog/internal/…) may
// always import each other. A rule that names a package goes before one with a pattern for
// it, and a longer pattern before a shorter one.
type rule struct {
	of, may string
	// bare packages import the standard library beside that and no other module.
	bare bool
}

// The rules, from the top layer down.
var rules = []rule{
	{of: "cmd/...", may: join(parts, "pluginsdk/...", contract, helpers)},
	{of: "cmd/meshos-shim", may: "host/daemon/shim"},
	{of: "host", may: join(parts, contract, helpers)},

	// These bind parts to each other.
	{of: "host/plugins/...", may: join(parts, contract, helpers)},
	{of: "host/intake/...", may: join(parts, contract, helpers)},
	{of: "host/reload/...", may: join(parts, contract, helpers)},

	// The parts of a node do not know each other: the packages above bind them together.
	{of: "host/...", may: join(tools, core, contract, wire, helpers)},

	{of: "host/daemon/shim/standby", may: "", bare: true}, // so that it is initialized before the others
	{of: "host/mesh", may: "", bare: true},
	{of: "host/scratch", may: "", bare: true},
	{of: "host/entries", may: "", bare: true},
	{of: "host/marks", may: "host/scratch", bare: true},
	{of: "host/due", may: "host/mesh", bare: true},
	{of: "host/state", may: "host/mesh host/entries host/marks host/due", bare: true},
	{of: "host/reconcile", may: "host/mesh host/scratch host/marks host/state", bare: true},
	{of: "host/snapshot", may: "host/mesh host/marks host/state host/snapshot/shared", bare: true},
	{of: "host/snapshot/shared", bare: true},

	{of: "proto/...", may: contract},
	{of: "internal/document", may: contract},
	{of: helpers, may: "", bare: true},
	{of: forTests, may: join(parts, "pluginsdk/...", contract, helpers)},

	{of: "pluginsdk/...", may: join("pluginsdk/...", contract, helpers)},
	{of: "plugins/...", may: join("pluginsdk", "plugins/internal/...", contract, helpers)},
	{of: "examples/...", may: join("pluginsdk", contract)}, // like third parties, so no helpers
}

// exception is an import that is allowed although a rule forbids it.
type exception struct{ from, to, why string }

var exceptions = []exception{
	{"host/cluster/...", "host/operator/sshsig", "signs the commits of its tests"},
	{"host/meshlog", "host/cluster/...", "keeps and orders the entries that host/cluster folds"},
	{"host/meshlog", "host/operator/...", "refuses as the rules for commands do, and hands on who commands the mesh"},
	{"host/meshlog", "host/records/...", "keeps the log in files of the same form as the node's records"},
	{"host/meshlog", "host/nodekey", "keeps its files beside the node's key"},
	{"host/config", "host/operator/signers", "checks the file of the operators' keys, to report its mistakes with those of meshos.toml"},
	{"host/cluster/...", "host/operator/rules", "judges commits by the same rules as a node does at its door"},
	{"host/cluster/...", "host/operator/signers", "reads who may command the mesh"},
	{"host/ordered", "host/records/...", "keeps the ordered log in files of the same form as the node's records"},
	{"host/backup", "host/records/...", "copies the records of a node"},
	{"host/backup", "host/ordered", "copies its orders"},
	{"host/backup", "host/operator", "copies what it remembers of accepted commands"},
	{"host/backup", "host/datadir", "restores only where no node runs"},
	{"host/loop", "host/scoring", "asks for scores in scoring's words"},
	{"host/wire", "host/scoring", "turns the view that is scored into the contract's message"},
	{"host/catalog/internal/...", "pluginsdk", "plugins that misbehave, which the catalog's tests build"},
}

// onlyFrom lists packages that only some may import, whatever their rule allows.
var onlyFrom = []struct{ to, from string }{
	{"host", "cmd/..."},
	{forTests, forTests},
}

// modulesOnlyFrom lists modules of others that only some packages may import.
var modulesOnlyFrom = []struct{ to, from string }{
	// The engine of a mesh can be another one. Programs that use its chains are its clients.
	{"github.com/nats-io/", "plugins/mesh-nats/... internal/meshlab/run bench/mesh"},
}

// translator is a package that imports both the contract and host/mesh.
type translator struct{ of, why string }

// translators are all of them. Every other package knows at most one of the two, so that the
// contract and the core can change independently.
var translators = []translator{
	{"cmd/meshos", "founds a mesh: its first entry has commands of both"},
	{"host", "joins the API's simulation to the operators' authorizer"},
	{"host/api/...", "serves the contract"},
	{"host/catalog/...", "calls plugins, and checks what they answer in the contract's terms, field by field"},
	{"host/cluster/...", "folds entries, which are signed as the bytes of the contract's messages"},
	{"host/control/...", "makes the events of control sinks, which exist in the contract only"},
	{"host/journal/...", "writes and reads the contract's JournalEntry"},
	{"host/meshlink", "talks with mesh plugins, which speak the contract"},
	{"host/operator/...", "judges commands, which are signed as the bytes of the contract's AdminCommand"},
	{"host/meshlog", "keeps the log of the mesh as messages of the contract"},
	{"host/ordered", "keeps orders as messages of the contract"},
	{"host/plugins/...", "binds plugins, which speak the contract, to the node"},
	{"host/records/...", "stores records as messages of the contract"},
	{"host/wire", "turns the one into the other"},
	{"internal/catalogtest", "runs plugins in tests, as the catalog does"},
	{"internal/sim", "is the mesh plugin of its nodes, and what they stand on"},
	{"internal/torture", "commits commands as an operator does, and reads the records that are left"},
}

// pureStandard is what the core may import of the standard library: packages that only
// compute. hash/maphash draws a seed: what is made with it must not be seen outside; unique keeps
// equal values once for the whole process.
const pureStandard = "cmp container/heap errors fmt hash/maphash iter maps math math/bits slices sort strconv strings time unicode unicode/utf8 unique"

// impure are the functions of those packages that do more than compute.
var impure = map[string]string{
	"fmt":  "Print Printf Println Fprint Fprintf Fprintln Scan Scanf Scanln Fscan Fscanf Fscanln",
	"time": "Now Since Until Sleep After AfterFunc NewTimer NewTicker Tick Local LoadLocation",
}
