package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// finds checks what a source reads, given as JSON.
func finds(t *testing.T, read source, want string) {
	t.Helper()
	got, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wanted := &meshosv1.PeerInventory{}
	if err := protojson.Unmarshal([]byte(want), wanted); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, wanted) {
		t.Errorf("got  %v\nwant %v", got, wanted)
	}
}

func TestLinksAreThoseOfDevices(t *testing.T) {
	const net = "sys/class/net/"
	finds(t, readLinks(tree(t, map[string]string{
		net + "eth0/device": "-> ../../devices/pci/x", net + "eth0/carrier": "1\n", net + "eth0/speed": "25000\n", net + "eth0/carrier_changes": "3\n",
		net + "eth0/statistics/rx_errors": "7\n", net + "eth0/statistics/tx_dropped": "2\n",
		net + "eth1/device": "-> ../../devices/pci/y", net + "eth1/carrier": "0\n", net + "eth1/speed": "-1\n", net + "eth1/statistics/tx_errors": "1\n",
		net + "eth2/device":        "-> ../../devices/pci/z", // down: carrier can't be read
		net + "bond0/bonding/mode": "802.3ad 4\n", net + "bond0/carrier": "1\n", net + "bond0/speed": "50000\n",
		net + "wlan0/device": "-> ../../devices/pci/w", net + "wlan0/carrier": "1\n", net + "wlan0/speed": "-1\n", net + "wlan0/statistics/rx_dropped": "4\n",
		net + "usb0/device": "-> ../../devices/usb", net + "usb0/carrier": "1\n", net + "usb0/speed": "2500\n",
		net + "lo/carrier":    "1\n",
		net + "veth1/carrier": "1\n",
	})), `{"links":[
		{"name":"bond0","up":true,"speed_mbps":50000},
		{"name":"eth0","up":true,"speed_mbps":25000,"receive_errors":7,"send_dropped":2,"carrier_changes":3},
		{"name":"eth1","send_errors":1},
		{"name":"eth2"},
		{"name":"usb0","up":true,"speed_mbps":2500},
		{"name":"wlan0","up":true,"receive_dropped":4}],
		"capabilities":["nic.50g","nic.25g","nic.2.5g"]}`)
}

func TestGPUsAreReadFromSysfs(t *testing.T) {
	const pci = "sys/bus/pci/devices/"
	finds(t, readGPUs(tree(t, map[string]string{
		pci + "0000:3b:00.0/class": "0x030200\n", pci + "0000:3b:00.0/vendor": "0x10de\n", pci + "0000:3b:00.0/device": "0x20b0\n",
		pci + "0000:3b:00.0/driver": "-> ../../../bus/pci/drivers/nvidia",
		pci + "0000:3c:00.0/class":  "0x038000\n", pci + "0000:3c:00.0/vendor": "0x1002\n", pci + "0000:3c:00.0/device": "0x740c\n",
		pci + "0000:3c:00.0/mem_info_vram_total": "1000\n", pci + "0000:3c:00.0/mem_info_vram_used": "300\n", pci + "0000:3c:00.0/gpu_busy_percent": "42\n",
		pci + "0000:00:02.0/class": "0x030000\n", pci + "0000:00:02.0/vendor": "0x1a03\n", // the console's
		pci + "0000:00:1f.0/class": "0x060100\n", pci + "0000:00:1f.0/vendor": "0x8086\n", // a bridge
	})), `{"gpus":[
		{"address":"0000:3b:00.0","vendor":"nvidia","device":"10de:20b0","driver":"nvidia"},
		{"address":"0000:3c:00.0","vendor":"amd","device":"1002:740c","mem_used_bytes":300,"mem_total_bytes":1000,"busy_percent":42}],
		"capabilities":["gpu.nvidia","gpu.amd"]}`)
}

func TestTemperaturesAreThoseOfTheSensors(t *testing.T) {
	const hwmon = "sys/class/hwmon/"
	finds(t, readTemperatures(tree(t, map[string]string{
		hwmon + "hwmon0/name": "coretemp\n", hwmon + "hwmon0/temp1_input": "67000\n", hwmon + "hwmon0/temp1_label": "Package id 0\n", hwmon + "hwmon0/temp1_crit": "100000\n",
		hwmon + "hwmon1/name": "nvme\n", hwmon + "hwmon1/temp1_input": "38500\n",
		hwmon + "hwmon2/name": "nvme\n", hwmon + "hwmon2/temp1_input": "40000\n",
		hwmon + "hwmon3/name": "broken\n", hwmon + "hwmon3/temp1_input": "-273150\n",
		hwmon + "hwmon4/name": "silent\n", hwmon + "hwmon4/temp1_input": "n/a\n",
	})), `{"temperatures":[
		{"sensor":"coretemp_package_id_0","celsius":67,"critical_celsius":100},
		{"sensor":"nvme","celsius":38.5},{"sensor":"nvme_2","celsius":40}]}`)
}

func TestAMachineWithoutAnyOfItIsNoMistake(t *testing.T) {
	for name, read := range map[string]func(root) source{"links": readLinks, "GPUs": readGPUs, "temperatures": readTemperatures} {
		t.Run(name, func(t *testing.T) { finds(t, read(tree(t, nil)), `{}`) })
	}
}

// What this machine has can be read, whatever it is.
func TestHardwareOfThisMachine(t *testing.T) {
	for _, read := range []source{readLinks("/"), readGPUs("/"), readTemperatures("/")} {
		facts, err := read(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, label := range facts.GetCapabilities() {
			if !strings.HasPrefix(label, "gpu.") && !strings.HasPrefix(label, "nic.") {
				t.Errorf("label %q", label)
			}
		}
	}
}
