package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/pluginsdk/wire"
)

// uncheckedTargets reports the health targets of peers that no enabled plugin checks, one
// problem for each scheme. It reports nothing if a plugin could not be asked what it checks.
func uncheckedTargets(cfg *config.Config, checks []pluginCheck, line func(string, int, ...string) int) (faults []config.Problem) {
	var schemes []string
	for i, c := range checks {
		switch {
		case !cfg.Plugins[i].Enabled:
		case c.said == nil:
			return nil
		default:
			schemes = append(schemes, c.healthSchemes()...)
		}
	}
	byForm := map[string][]int{}
	var forms []string
	for i, p := range cfg.Peers {
		if p.Health == "" || wire.ServesHealth(schemes, p.Health) {
			continue
		}
		form := "host:port"
		if strings.Contains(p.Health, "://") {
			form = wire.HealthScheme(p.Health) + "://"
		}
		if byForm[form] == nil {
			forms = append(forms, form)
		}
		byForm[form] = append(byForm[form], i)
	}
	for _, form := range forms {
		peers := byForm[form]
		message := fmt.Sprintf("no enabled plugin checks %s targets, so the health of this peer stays unknown", form)
		if more := len(peers) - 1; more > 0 {
			message = fmt.Sprintf("no enabled plugin checks %s targets, so the health of this peer and of %s stays unknown", form, view.Counted(more, "other peer"))
		}
		faults = append(faults, config.Problem{
			File: cfg.File, Line: line("peer", peers[0], "health"), Key: "peer.health", Message: message, Hint: whoChecks(form),
		})
	}
	return faults
}

// healthSchemes returns the schemes of the health targets that the plugin checks.
func (c pluginCheck) healthSchemes() []string {
	const kind = "health_probe"
	if !slices.Contains(c.said.Kinds, kind) || len(c.plugin.Kinds) > 0 && !slices.Contains(c.plugin.Kinds, kind) {
		return nil
	}
	return wire.HealthSchemes(c.said.Schemes)
}

// whoChecks returns what to do about targets of a form that nobody checks.
func whoChecks(form string) string {
	switch form {
	case "host:port", "tcp://":
		return "add [[plugin]] with name = \"health-tcp\""
	case "http://", "https://", "grpc://", "grpcs://":
		return "add [[plugin]] with name = \"health-http\""
	}
	return "health-tcp checks host:port and tcp://, health-http checks http://, https://, grpc:// and grpcs://; for others add a plugin of your own"
}
