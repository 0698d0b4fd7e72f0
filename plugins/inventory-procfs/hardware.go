package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/sensors"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Sensors that are broken or not connected show values that can't be.
const coldest, hottest = -100, 250

// readTemperatures reads the sensors of the machine.
func readTemperatures(r root) source {
	return func(ctx context.Context) (*meshosv1.PeerInventory, error) {
		all, err := sensors.TemperaturesWithContext(r.context(ctx))
		var some *sensors.Warnings
		if err != nil && !errors.As(err, &some) { // warnings are of sensors that can't be read
			return nil, fmt.Errorf("read the temperatures: %w", err)
		}
		out, names := &meshosv1.PeerInventory{}, map[string]int{}
		for _, s := range all {
			if !(s.Temperature > coldest && s.Temperature < hottest) {
				continue
			}
			name := s.SensorKey
			if names[s.SensorKey]++; names[s.SensorKey] > 1 { // of equal devices
				name += "_" + strconv.Itoa(names[s.SensorKey])
			}
			one := &meshosv1.Temperature{Sensor: name, Celsius: s.Temperature}
			if s.Critical > 0 && s.Critical < math.MaxInt16 {
				one.CriticalCelsius = s.Critical
			}
			out.Temperatures = append(out.Temperatures, one)
		}
		return out, nil
	}
}

// readLinks reads the network interfaces that are devices, or bonds of such: not bridges,
// tunnels and the ends of containers, of which there may be hundreds.
func readLinks(r root) source {
	return func(context.Context) (*meshosv1.PeerInventory, error) {
		entries, err := os.ReadDir(r.path("sys/class/net"))
		if errors.Is(err, os.ErrNotExist) {
			return &meshosv1.PeerInventory{}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the network links: %w", err)
		}
		out := &meshosv1.PeerInventory{}
		for _, e := range entries {
			at := r.path("sys/class/net", e.Name())
			if !exists(at, "device") && !exists(at, "bonding") {
				continue
			}
			counters := filepath.Join(at, "statistics")
			link := &meshosv1.NetworkLink{
				Name: e.Name(), Up: line(at, "carrier") == "1", // not to be read of one that is down
				ReceiveErrors: number(counters, "rx_errors"), SendErrors: number(counters, "tx_errors"),
				ReceiveDropped: number(counters, "rx_dropped"), SendDropped: number(counters, "tx_dropped"),
				CarrierChanges: number(at, "carrier_changes"),
			}
			if link.Up {
				link.SpeedMbps = number(at, "speed") // -1: unknown
			}
			if link.GetSpeedMbps() >= math.MaxUint32 {
				link.SpeedMbps = 0
			}
			out.Links = append(out.Links, link)
			if link.GetSpeedMbps() >= 1000 {
				out.Capabilities = append(out.Capabilities, "nic."+strconv.FormatFloat(float64(link.GetSpeedMbps())/1000, 'f', -1, 64)+"g")
			}
		}
		return out, nil
	}
}

// gpuVendor returns the name of a vendor of GPUs by its PCI id, or "". The graphics of remote
// consoles and virtual machines are from others.
func gpuVendor(id string) string {
	switch id {
	case "0x10de":
		return "nvidia"
	case "0x1002":
		return "amd"
	case "0x8086":
		return "intel"
	}
	return ""
}

// readGPUs reads the display controllers and accelerators on the PCI bus.
func readGPUs(r root) source {
	return func(context.Context) (*meshosv1.PeerInventory, error) {
		entries, err := os.ReadDir(r.path("sys/bus/pci/devices"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read the GPUs: %w", err)
		}
		out := &meshosv1.PeerInventory{}
		for _, e := range entries {
			at := r.path("sys/bus/pci/devices", e.Name())
			class, id := line(at, "class"), line(at, "vendor")
			vendor := gpuVendor(id)
			if vendor == "" || !strings.HasPrefix(class, "0x03") && !strings.HasPrefix(class, "0x1200") {
				continue
			}
			gpu := &meshosv1.Gpu{
				Address: e.Name(), Vendor: vendor,
				Device: strings.TrimPrefix(id, "0x") + ":" + strings.TrimPrefix(line(at, "device"), "0x"),
				// Only amdgpu tells the following.
				MemTotalBytes: number(at, "mem_info_vram_total"), MemUsedBytes: number(at, "mem_info_vram_used"),
			}
			if driver, err := os.Readlink(filepath.Join(at, "driver")); err == nil {
				gpu.Driver = filepath.Base(driver)
			}
			if busy, err := strconv.ParseUint(line(at, "gpu_busy_percent"), 10, 32); err == nil {
				gpu.BusyPercent = proto.Uint32(uint32(min(busy, 100)))
			}
			out.Gpus = append(out.Gpus, gpu)
			out.Capabilities = append(out.Capabilities, "gpu."+vendor)
		}
		return out, nil
	}
}

func exists(elements ...string) bool {
	_, err := os.Lstat(filepath.Join(elements...))
	return err == nil
}
