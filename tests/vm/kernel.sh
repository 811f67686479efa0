#!/bin/bash
# kernel.sh - a command under another kernel than this machine's, in an emulator: for what this
# one has not got, as is the module tls of many a machine that is a guest itself.
#
#	tests/vm/kernel.sh 'uname -r && modprobe tls && build/dev/tests/unit/net/check_net'
#
# The guest sees this machine's files, may write, and forgets what it wrote. It runs the command
# as root, in this directory and environment, and ends with it; the command's status is this
# script's. What takes a second may take a minute (E2E_SCALE=15); no time that is measured there
# means anything.
#
#	KERNEL_ROOT            where the kernel's package was unpacked by dpkg -x; /: it is installed
#	KERNEL                 the kernel's version; else the last that is there
#	VM_CPUS, VM_MEMORY     2, 3G
#
# Needs root, and of Debian's packages qemu-system-x86, busybox-static, kmod, cpio and a
# linux-image-*-amd64 (not -cloud-, which has no 9p).
set -eu -o pipefail
[ $# = 1 ] || { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0" >&2; exit 2; }

root=${KERNEL_ROOT:-/}
kernel=${KERNEL:-$(ls "$root/lib/modules" | sort -V | tail -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The modules by which the guest comes to its files, each behind those that it needs.
modules() {
	local module
	[ -e "$root/lib/modules/$kernel/modules.dep.bin" ] || depmod -b "$root" "$kernel"
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$root" -S "$kernel" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# This machine's files, read alone, with a memory over them that takes what is written.
guest_init() {
	cat <<-'EOF'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs dev /dev
		for module in $(cat /modules/order); do insmod "/modules/$module"; done
		how=trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro
		mount -t 9p -o "$how" root /lower && mount -t tmpfs -o size=75% upper /upper || poweroff -f
		mkdir /upper/files /upper/work
		mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work new /new
		mkdir -p /new/lib/modules && mount -t 9p -o "$how" modules /new/lib/modules
		mount -t tmpfs run /new/run
		for at in proc sys dev; do mount --move "/$at" "/new/$at"; done
		mkdir /new/dev/pts /new/dev/shm
		mount -t devpts devpts /new/dev/pts
		mount -t tmpfs shm /new/dev/shm
		ifconfig lo 127.0.0.1 up
		hostname vm
		cp /command /bin/busybox /new/run/
		# not chroot: where the kernel calls modprobe itself, it looks in what is / for the first process
		exec switch_root /new /bin/bash /run/command </new/dev/console >/new/dev/console 2>&1
	EOF
}

guest_command() {
	export -p
	printf 'cd %q\n(%s\n) </dev/null\n' "$PWD" "$1"
	printf 'echo "kernel.sh: status $?"\n/run/busybox poweroff -f\n'
}

initramfs() {
	local tree=$work/tree module
	mkdir -p "$tree"/{bin,modules,proc,sys,dev,lower,upper,new}
	cp /bin/busybox "$tree/bin/"
	for module in $(modules); do
		cp "$module" "$tree/modules/"
		basename "$module" >>"$tree/modules/order"
	done
	guest_init >"$tree/init"
	guest_command "$1" >"$tree/command"
	chmod +x "$tree/init"
	(cd "$tree" && find . | cpio -o -H newc --quiet) >"$work/initramfs"
}

initramfs "$1"
share=local,security_model=passthrough,readonly=on,multidevs=remap
# a processor without AVX, which takes the emulator six times as long for AES
nice qemu-system-x86_64 -accel tcg,thread=multi -cpu Westmere -smp "${VM_CPUS:-2}" -m "${VM_MEMORY:-3G}" \
	-nodefaults -no-user-config -display none -no-reboot -serial stdio -nic none -device virtio-rng-pci \
	-virtfs "$share,path=/,mount_tag=root" -virtfs "$share,path=$root/lib/modules,mount_tag=modules" \
	-kernel "$root/boot/vmlinuz-$kernel" -initrd "$work/initramfs" \
	-append "console=ttyS0 quiet panic=-1" </dev/null | tr -d '\r' | tee "$work/said"
status=$(sed -n 's/^kernel.sh: status //p' "$work/said" | tail -n 1)
exit "${status:-1}"
