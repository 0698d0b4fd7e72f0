package main

import (
	"errors"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	WeightRTT    float64 `json:"weight_rtt" default:"3" min:"0" max:"100" doc:"how much the round-trip time counts, relative to the other weights; 0: not at all"`
	WeightHealth float64 `json:"weight_health" default:"3" min:"0" max:"100" doc:"how much health counts"`
	WeightLoad   float64 `json:"weight_load" default:"1" min:"0" max:"100" doc:"how much the load counts"`
	WeightMemory float64 `json:"weight_memory" default:"1" min:"0" max:"100" doc:"how much free memory counts"`
	WeightDisk   float64 `json:"weight_disk" default:"1" min:"0" max:"100" doc:"how much free disk counts"`

	RTTHalf        pluginsdk.Duration `json:"rtt_half" default:"100ms" min:"1us" max:"1h" doc:"round-trip time that is half as good as 0"`
	LoadFull       float64            `json:"load_full" default:"8" min:"0.01" max:"100000" doc:"load (1 minute) of a busy node whose number of CPUs is not known; it is half as good as 0"`
	LoadPerCPUFull float64            `json:"load_per_cpu_full" default:"1" min:"0.01" max:"1000" doc:"load for each CPU of a busy node; it is half as good as 0"`
	MemFree        float64            `json:"mem_free" default:"0.2" min:"0.01" max:"1" doc:"share of free memory that is enough; with less the score falls, to 0 with none"`
	DiskFree       float64            `json:"disk_free" default:"0.2" min:"0.01" max:"1" doc:"share of free disk that is enough; with less the score falls, to 0 with none"`

	Degraded float64 `json:"degraded" default:"0.4" min:"0" max:"1" doc:"quality of degraded health, where healthy is 1"`
	Unknown  float64 `json:"unknown" default:"0.5" min:"0.01" max:"1" doc:"quality of an input that is unknown"`

	CordonedFactor  float64 `json:"cordoned_factor" default:"0.8" min:"0" max:"1" doc:"the score of a cordoned holder is multiplied by this"`
	AvoidedFactor   float64 `json:"avoided_factor" default:"0.4" min:"0" max:"1" doc:"the score of a holder on the avoid list is multiplied by this"`
	ReturningFactor float64 `json:"returning_factor" default:"0.8" min:"0" max:"1" doc:"the score of a holder that leaves maintenance or recovers is multiplied by this"`

	Transfer   pluginsdk.Duration `json:"transfer" default:"1s" min:"0s" max:"24h" doc:"estimate of moving a chain's state to a node with a round-trip time of 0; twice that at rtt_half"`
	Disruption pluginsdk.Duration `json:"disruption" default:"200ms" min:"0s" max:"24h" doc:"estimate of how long a move disturbs the chain"`
	Doubt      float64            `json:"doubt" default:"1.5" min:"1" max:"100" doc:"reliability factor of a move to a node that is not known to be healthy"`
}

// Validate checks what the bounds of single keys can't express.
func (c config) Validate() error {
	if c.WeightRTT+c.WeightHealth+c.WeightLoad+c.WeightMemory+c.WeightDisk == 0 {
		return errors.New("weight_rtt, weight_health, weight_load, weight_memory and weight_disk are all 0: " +
			"every score would be 0; set at least one of them above 0")
	}
	return nil
}

func (c config) formula() formula {
	return formula{
		weightRTT:    c.WeightRTT,
		weightHealth: c.WeightHealth,
		weightLoad:   c.WeightLoad,
		weightMemory: c.WeightMemory,
		weightDisk:   c.WeightDisk,
		rttHalf:      time.Duration(c.RTTHalf).Seconds(),
		loadFull:     c.LoadFull,
		busyFull:     c.LoadPerCPUFull,
		memFree:      c.MemFree,
		diskFree:     c.DiskFree,
		degraded:     c.Degraded,
		unknown:      c.Unknown,
		cordoned:     c.CordonedFactor,
		avoided:      c.AvoidedFactor,
		returning:    c.ReturningFactor,
		transfer:     time.Duration(c.Transfer),
		disruption:   time.Duration(c.Disruption),
		doubt:        c.Doubt,
	}
}
