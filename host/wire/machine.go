package wire

import (
	"strconv"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// cpus reads the facts about CPUs.
func (f *fields) cpus(in *meshosv1.PeerInventory, out *mesh.Inventory) {
	number := func(field string, v *float64) *float64 {
		if v != nil {
			f.finite(field, *v)
		}
		return copied(v)
	}
	out.LoadPerCPU = number("load_per_cpu", in.LoadPerCpu)
	out.CPUs = number("cpus", in.Cpus)
	out.CPUsUsed = number("cpus_used", in.CpusUsed)
	out.MachineCPUs = copied(in.MachineCpus)
	out.MachineCPUsUsed = number("machine_cpus_used", in.MachineCpusUsed)
}

// devices reads the lists of parts of a machine.
func (f *fields) devices(in *meshosv1.PeerInventory, out *mesh.Inventory) {
	for i, d := range in.GetDisks() {
		at := "disks[" + strconv.Itoa(i) + "]."
		out.Disks = append(out.Disks, mesh.DiskSpace{
			Path: f.text(at+"path", d.GetPath()), Device: f.text(at+"device", d.GetDevice()),
			UsedBytes: d.GetUsedBytes(), TotalBytes: d.GetTotalBytes(),
			InodesUsed: d.GetInodesUsed(), InodesTotal: d.GetInodesTotal(),
		})
	}
	for i, t := range in.GetTemperatures() {
		at := "temperatures[" + strconv.Itoa(i) + "]."
		f.finite(at+"celsius", t.GetCelsius())
		f.finite(at+"critical_celsius", t.GetCriticalCelsius())
		out.Temperatures = append(out.Temperatures, mesh.Temperature{
			Sensor: f.text(at+"sensor", t.GetSensor()), Celsius: t.GetCelsius(), Critical: t.GetCriticalCelsius(),
		})
	}
	for i, l := range in.GetLinks() {
		out.Links = append(out.Links, mesh.NetworkLink{
			Name: f.text("links["+strconv.Itoa(i)+"].name", l.GetName()), Up: l.GetUp(), SpeedMbps: l.GetSpeedMbps(),
			ReceiveErrors: l.GetReceiveErrors(), SendErrors: l.GetSendErrors(),
			ReceiveDropped: l.GetReceiveDropped(), SendDropped: l.GetSendDropped(),
			CarrierChanges: l.GetCarrierChanges(),
		})
	}
	for i, g := range in.GetGpus() {
		at := "gpus[" + strconv.Itoa(i) + "]."
		out.GPUs = append(out.GPUs, mesh.GPU{
			Address: f.text(at+"address", g.GetAddress()), Vendor: f.text(at+"vendor", g.GetVendor()),
			Device: f.text(at+"device", g.GetDevice()), Driver: f.text(at+"driver", g.GetDriver()),
			MemUsedBytes: g.GetMemUsedBytes(), MemTotalBytes: g.GetMemTotalBytes(), BusyPercent: copied(g.BusyPercent),
		})
	}
}

// ages reads how old the facts are. One that is not known here is ignored.
func (f *fields) ages(in *meshosv1.PeerInventory, out *mesh.Inventory) {
	ages := in.GetAges()
	if len(ages) == 0 {
		return
	}
	for fact := range mesh.Facts {
		if age := ages[fact.String()]; age != nil {
			out.Ages[fact] = f.durationOr0("ages["+fact.String()+"]", age)
		}
	}
}

func agesToProto(in mesh.FactAges) map[string]*durationpb.Duration {
	var out map[string]*durationpb.Duration
	for fact, age := range in {
		if age == 0 {
			continue
		}
		if out == nil {
			out = make(map[string]*durationpb.Duration)
		}
		out[mesh.Fact(fact).String()] = durationpb.New(age)
	}
	return out
}

func disksToProto(in []mesh.DiskSpace) []*meshosv1.DiskSpace {
	return each(in, func(d mesh.DiskSpace) *meshosv1.DiskSpace {
		return &meshosv1.DiskSpace{
			Path: valid(d.Path), Device: valid(d.Device), UsedBytes: d.UsedBytes, TotalBytes: d.TotalBytes,
			InodesUsed: d.InodesUsed, InodesTotal: d.InodesTotal,
		}
	})
}

func temperaturesToProto(in []mesh.Temperature) []*meshosv1.Temperature {
	return each(in, func(t mesh.Temperature) *meshosv1.Temperature {
		return &meshosv1.Temperature{Sensor: valid(t.Sensor), Celsius: t.Celsius, CriticalCelsius: t.Critical}
	})
}

func linksToProto(in []mesh.NetworkLink) []*meshosv1.NetworkLink {
	return each(in, func(l mesh.NetworkLink) *meshosv1.NetworkLink {
		return &meshosv1.NetworkLink{
			Name: valid(l.Name), Up: l.Up, SpeedMbps: l.SpeedMbps,
			ReceiveErrors: l.ReceiveErrors, SendErrors: l.SendErrors,
			ReceiveDropped: l.ReceiveDropped, SendDropped: l.SendDropped, CarrierChanges: l.CarrierChanges,
		}
	})
}

func gpusToProto(in []mesh.GPU) []*meshosv1.Gpu {
	return each(in, func(g mesh.GPU) *meshosv1.Gpu {
		return &meshosv1.Gpu{
			Address: valid(g.Address), Vendor: valid(g.Vendor), Device: valid(g.Device), Driver: valid(g.Driver),
			MemUsedBytes: g.MemUsedBytes, MemTotalBytes: g.MemTotalBytes, BusyPercent: copied(g.BusyPercent),
		}
	})
}

// each converts the items of a list; an empty one is left out.
func each[A, B any](in []A, convert func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, item := range in {
		out[i] = convert(item)
	}
	return out
}
