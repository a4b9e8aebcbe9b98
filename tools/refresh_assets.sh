#!/bin/sh
# Builds what is vendored in channels/webchat/static/vendor anew, and its entries in third_party.toml.
# For developers who change a version; needs Node 20.19 or later, npm and a registry. Nobody who runs or tests Waymark does.
# The result is committed. Licence texts are not in the packages: take a new one from the project's own repository.
set -eu

GOVUK=6.6.0
SASS=1.108.2
ESBUILD=0.28.2

root=$(cd "$(dirname "$0")/.." && pwd)
vendor=$root/channels/webchat/static/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm pack --silent "govuk-frontend@$GOVUK" >/dev/null
npm install --silent --no-audit --no-fund "./govuk-frontend-$GOVUK.tgz" "sass@$SASS" "esbuild@$ESBUILD"
package=node_modules/govuk-frontend/dist/govuk

# Only the parts that the victim's pages use, in our own letters. A part not named here has no style.
cat >govuk.scss <<'SCSS'
@use "base" with (
  $govuk-font-family: ("Helvetica Neue", arial, sans-serif),
  $govuk-include-default-font-face: false
);
@use "core";
@use "objects";
@use "components/button";
@use "components/checkboxes";
@use "components/details";
@use "components/error-message";
@use "components/error-summary";
@use "components/exit-this-page";
@use "components/fieldset";
@use "components/hint";
@use "components/input";
@use "components/inset-text";
@use "components/label";
@use "components/radios";
@use "components/select";
@use "components/skip-link";
@use "components/summary-list";
@use "components/tag";
@use "components/textarea";
@use "components/warning-text";
@use "utilities";
SCSS
mkdir -p "$vendor"
# Left and right become start and end, so that a page in a right-to-left language is laid out from its own side.
node_modules/.bin/sass --no-source-map --quiet-deps --style=compressed --load-path="$package" govuk.scss |
  sed -E \
    -e 's/([;{])left:/\1inset-inline-start:/g' -e 's/([;{])right:/\1inset-inline-end:/g' \
    -e 's/(margin|padding|border)-left(:|-color:var)/\1-inline-start\2/g' \
    -e 's/(margin|padding|border)-right(:|-color:var)/\1-inline-end\2/g' \
    -e 's/(float|text-align):left/\1:inline-start/g' -e 's/(float|text-align|justify-content):right/\1:inline-end/g' \
    -e 's/text-align:inline-/text-align:/g' -e 's/justify-content:inline-/justify-content:/g' \
    >"$vendor/govuk.css"
node_modules/.bin/esbuild "$package/components/exit-this-page/exit-this-page.mjs" \
  --bundle --format=esm --minify --target=es2020 --legal-comments=none --log-level=warning \
  --outfile="$vendor/exit-this-page.js"

hash() { sha256sum "$1" | cut -d ' ' -f 1; }
{
  echo "# What others wrote and we ship, built by tools/refresh_assets.sh. Change it there, never by hand."
  for file in govuk.css exit-this-page.js; do
    printf '\n[[file]]\n'
    printf 'path = "channels/webchat/static/vendor/%s"\n' "$file"
    printf 'name = "govuk-frontend"\nversion = "%s"\nlicence = "MIT"\n' "$GOVUK"
    printf 'licence_text = "channels/webchat/static/vendor/govuk-frontend.LICENCE.txt"\n'
    printf 'source = "npm package govuk-frontend-%s.tgz"\nsource_sha256 = "%s"\n' \
      "$GOVUK" "$(hash "govuk-frontend-$GOVUK.tgz")"
    case $file in
      *.css) printf 'built_with = "sass %s: chosen parts, own letters, start and end for left and right"\n' "$SASS" ;;
      *) printf 'built_with = "esbuild %s: one module, minified"\n' "$ESBUILD" ;;
    esac
    printf 'sha256 = "%s"\n' "$(hash "$vendor/$file")"
  done
} >"$root/third_party.toml"
echo "Built $(cd "$vendor" && ls -1 *.css *.js | tr '\n' ' ')and third_party.toml. Run ./waymark test tests/channels/test_assets.py."
