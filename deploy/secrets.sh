#!/bin/sh
# Makes the secrets of the trial that are not there yet. They stay on this machine.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
make() { [ -e "secrets/$1" ] || cat > "secrets/$1"; }
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
random 512 | make members
for who in admin main signer; do random 24 | make "${who}_password"; done
random 24 | make metrics_token
hosts="mongo1,mongo2,mongo3/?replicaSet=rs0&authSource=admin"
printf 'mongodb://yunzhang:%s@%s' "$(cat secrets/main_password)" "$hosts" | make main_uri
printf 'mongodb://yunzhang_signer:%s@%s' "$(cat secrets/signer_password)" "$hosts" | make signer_uri
