package operator

import (
	"fmt"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The kinds of warnings. They are part of the blast hash and never change.
const (
	warnFreezeBlocks     = "cluster_freeze_blocks_operator_actions"
	warnFreezeLocal      = "freeze_local_to_answering_node"
	warnThawLocal        = "thaw_local_to_answering_node"
	warnThawResumes      = "thaw_resumes_pending_reconciles"
	warnThawNothing      = "thaw_has_no_freeze_to_cancel"
	warnFlushGlobal      = "global_avoid_flush_may_re_emit"
	warnFlushLocal       = "avoid_flush_local_to_target_node_only"
	warnFlushPeer        = "avoid_flush_recovers_peer"
	warnEvictBypasses    = "forced_eviction_bypasses_cooldown"
	warnEvictUnknown     = "forced_eviction_targets_unknown_chain"
	warnEvictNonHolder   = "forced_eviction_targets_non_holder"
	warnRestartBypasses  = "forced_restart_bypasses_backoff"
	warnRestartUnknown   = "forced_restart_targets_unknown_daemon"
	warnRestartIdle      = "forced_restart_daemon_not_in_backoff"
	warnRestartElsewhere = "forced_restart_on_another_node"
	warnRestartRuns      = "forced_restart_stops_daemon"
	warnCutoverBypasses  = "forced_cutover_bypasses_placement_scorer"
	warnCutoverUnknown   = "forced_cutover_targets_unknown_chain"
	warnCutoverHolder    = "forced_cutover_target_already_holder"
	warnExpel            = "expelled_node_is_unlinked"
	warnSigners          = "signers_replaced_mesh_wide"
	warnCheckpoint       = "checkpoint_vouches_for_the_log"
	warnKillPending      = "kill_migration_dispatcher_integration_pending"
)

// warn adds a warning. The order of warnings is part of the hash.
func (b *blast) warn(kind, format string, args ...any) {
	b.out.Warnings = append(b.out.Warnings, &meshosv1.BlastRadius_Warning{Kind: kind, Detail: fmt.Sprintf(format, args...)})
}
