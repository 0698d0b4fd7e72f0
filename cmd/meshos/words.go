package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// enumWord gives the part of an enum's name that people need: "drain failed".
func enumWord(name, prefix string) string {
	word := strings.TrimPrefix(name, prefix)
	if word == "UNSPECIFIED" {
		return "-"
	}
	return strings.ToLower(strings.ReplaceAll(word, "_", " "))
}

// span gives a duration with about three digits: "123µs", "4.56ms", "1m30s".
func span(d *durationpb.Duration) string {
	if d == nil {
		return "-"
	}
	v := d.AsDuration()
	size := v.Abs()
	switch {
	case size >= time.Hour:
		return strings.TrimSuffix(v.Round(time.Minute).String(), "0s")
	case size >= 10*time.Second:
		v = v.Round(time.Second)
	case size >= time.Second:
		v = v.Round(100 * time.Millisecond)
	default:
		for unit := time.Nanosecond; unit < time.Second; unit *= 10 {
			if size < 1000*unit {
				v = v.Round(unit)
				break
			}
		}
	}
	if v >= time.Minute && v%time.Minute == 0 {
		return strings.TrimSuffix(v.String(), "0s")
	}
	return v.String()
}

// bytesOf gives a size with its unit: "3.2 GiB".
func bytesOf(n uint64) string {
	value, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 || value >= 100 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// clock gives the time of day here.
func clock(t *timestamppb.Timestamp, zone *time.Location) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().In(zone).Format("15:04:05.000")
}

func number[T ~uint32 | ~uint64 | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func idOf(n uint64) string { return strconv.FormatUint(n, 10) }

func idsOf(list []uint64) string {
	if len(list) == 0 {
		return "-"
	}
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = idOf(n)
	}
	return strings.Join(words, ", ")
}

func daemonName(d *meshosv1.DaemonRef) string {
	if d.GetName() == "" {
		return idOf(d.GetId())
	}
	return idOf(d.GetId()) + " (" + plain(d.GetName()) + ")"
}

// actionWords says what an action is about.
func actionWords(a *meshosv1.Action) string {
	switch k := a.GetKind().(type) {
	case *meshosv1.Action_StartDaemon:
		return "daemon " + daemonName(k.StartDaemon.GetDaemon())
	case *meshosv1.Action_StopDaemon:
		return fmt.Sprintf("daemon %s within %s: %s", daemonName(k.StopDaemon.GetDaemon()),
			span(k.StopDaemon.GetGrace()), plain(k.StopDaemon.GetReason()))
	case *meshosv1.Action_PullReplica:
		return fmt.Sprintf("chain %d from node %d", k.PullReplica.GetChain(), k.PullReplica.GetSource())
	case *meshosv1.Action_DropReplica:
		return fmt.Sprintf("chain %d", k.DropReplica.GetChain())
	case *meshosv1.Action_RequestPlacement:
		words := fmt.Sprintf("chain %d", k.RequestPlacement.GetChain())
		if k.RequestPlacement.Target != nil {
			words += fmt.Sprintf(" on node %d", k.RequestPlacement.GetTarget())
		}
		return words + ", not on " + idsOf(k.RequestPlacement.GetExclude())
	case *meshosv1.Action_RequestEviction:
		return fmt.Sprintf("chain %d from node %d", k.RequestEviction.GetChain(), k.RequestEviction.GetVictim())
	case *meshosv1.Action_MigrateBlob:
		return fmt.Sprintf("blob %d from node %d to node %d", k.MigrateBlob.GetBlob(), k.MigrateBlob.GetFrom(), k.MigrateBlob.GetTo())
	case *meshosv1.Action_ReduceHeat:
		return fmt.Sprintf("blob %d by %d", k.ReduceHeat.GetBlob(), k.ReduceHeat.GetBy())
	case *meshosv1.Action_MarkAvoid:
		return fmt.Sprintf("peer %d for %s: %s", k.MarkAvoid.GetPeer(), span(k.MarkAvoid.GetTtl()), plain(k.MarkAvoid.GetReason()))
	case *meshosv1.Action_ApplyBackoff:
		return fmt.Sprintf("daemon %s for %s", daemonName(k.ApplyBackoff.GetDaemon()), span(k.ApplyBackoff.GetRemaining()))
	case *meshosv1.Action_CommitMaintenanceTransition:
		words := enumWord(k.CommitMaintenanceTransition.GetTarget().String(), "MAINTENANCE_PHASE_")
		if reason := k.CommitMaintenanceTransition.GetReason(); reason != "" {
			words += ": " + plain(reason)
		}
		return words
	}
	return ""
}

func formatLoad(load float64) string { return strconv.FormatFloat(load, 'f', 2, 64) }

func pid(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
