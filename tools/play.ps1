# Sets liveengine up where that has not been done, and plays (Windows).
#
#   powershell -ExecutionPolicy Bypass -File tools\play.ps1 [arguments of liveengine play]
#   powershell -ExecutionPolicy Bypass -File tools\play.ps1 styles|ports|doctor|learn|learn-midi|calibrate|report|replay|generate|api|worker [arguments]
#
# The first start makes .venv in the repository and installs the pinned packages; later starts go
# straight to the music and touch no network. To set up anew (after fitting a GPU, say), remove .venv.
# LIVEENGINE_PYTHON names the Python to use where the first of 3.11 to 3.14 found is not the right one.
# Runs in Windows PowerShell 5.1 and later; this file is plain ASCII, which 5.1 needs.

$ErrorActionPreference = 'Stop'
$arguments = @($args)
$root = Split-Path -Parent $PSScriptRoot
$venv = Join-Path $root '.venv'
$venvPython = Join-Path $venv 'Scripts\python.exe'
$engine = Join-Path $venv 'Scripts\liveengine.exe'
$stamp = Join-Path $venv 'liveengine.stamp'
$torch = '2.13.0'
$torchCudaIndex = 'https://download.pytorch.org/whl/cu130'

function Say([string] $text) { [Console]::Error.WriteLine("liveengine: $text") }

function Stop-Setup([string] $text) {
    Say $text
    exit 2
}

# Runs a program and returns what it printed, or nothing where it does not run or fails.
function Read-Output([string] $program, [string[]] $programArguments) {
    $before = $ErrorActionPreference
    # Under 'Stop', Windows PowerShell takes a line on stderr for an error of its own.
    $ErrorActionPreference = 'SilentlyContinue'
    try {
        $printed = & $program @programArguments 2>$null
        if ($LASTEXITCODE -eq 0) { return ($printed -join "`n") }
    } catch {
        # The program is not there: the caller sees nothing and tries the next one.
    } finally {
        $ErrorActionPreference = $before
    }
    return ''
}

# Runs a program whose output is shown, and ends the script where it fails.
function Invoke-Step([string] $program, [string[]] $programArguments) {
    $before = $ErrorActionPreference
    $ErrorActionPreference = 'Continue'
    & $program @programArguments
    $status = $LASTEXITCODE
    $ErrorActionPreference = $before
    if ($status -ne 0) {
        Say "this failed (status $status): $program $programArguments"
        Say 'what was installed so far is kept; start again to go on from there'
        exit 1
    }
}

function Install-Packages([string[]] $packages) {
    Invoke-Step $venvPython (@('-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '--quiet') + $packages)
}

# Returns the path of the first Python that liveengine runs on.
function Find-Python {
    $tell = 'import sys; print(*sys.version_info[:2], sys.executable)'
    $tries = @(@('py', '-3.12', '-c', $tell), @('py', '-3.11', '-c', $tell), @('py', '-3.13', '-c', $tell),
        @('py', '-3.14', '-c', $tell), @('python', '-c', $tell), @('python3', '-c', $tell))
    # What was asked for by name is taken or refused, never passed over.
    if ($env:LIVEENGINE_PYTHON) { $tries = , @($env:LIVEENGINE_PYTHON, '-c', $tell) }
    foreach ($try in $tries) {
        $told = Read-Output ($try[0]) ($try[1..($try.Count - 1)])
        if ($told -match '^3 1[1-4] (.+)$') { return $Matches[1] }
    }
    if ($env:LIVEENGINE_PYTHON) {
        Stop-Setup "expected LIVEENGINE_PYTHON to be a Python 3.11 to 3.14, got $env:LIVEENGINE_PYTHON"
    }
    Stop-Setup 'found no Python 3.11 to 3.14; install one: winget install Python.Python.3.13, or from python.org'
}

# Returns what decides what belongs in the environment: pins, Python and place.
function Get-WantedStamp {
    $files = foreach ($name in 'pyproject.toml', 'tools\constraints.txt') {
        (Get-FileHash -Algorithm SHA256 -LiteralPath (Join-Path $root $name)).Hash
    }
    $version = Read-Output $venvPython @('-c', 'import sys; print(*sys.version_info[:2])')
    return "$($files -join ' ') $version $venv"
}

# True if the environment runs, has pip, was made at this place, and is for the Python asked for.
function Test-Environment {
    if (-not (Test-Path -LiteralPath $venvPython)) { return $false }
    $prefix = Read-Output $venvPython @('-c', 'import pip, sys; print(sys.prefix)')
    if (-not $prefix) { return $false }
    # Programs in Scripts hold the place where they were made; pyvenv.cfg says it in plain text.
    $made = Get-Content -Raw -Encoding UTF8 -LiteralPath (Join-Path $venv 'pyvenv.cfg')
    if (-not $made.ToLowerInvariant().Contains(" $venv".ToLowerInvariant())) { return $false }
    if ($env:LIVEENGINE_PYTHON) {
        $tell = @('-c', 'import sys; print(*sys.version_info[:2])')
        return (Read-Output $env:LIVEENGINE_PYTHON $tell) -eq (Read-Output $venvPython $tell)
    }
    return $true
}

function Install-Torch {
    $settings = Read-Output $venvPython @('-m', 'pip', '--disable-pip-version-check', 'config', 'list')
    if ($settings -match '\.(index-url|extra-index-url|find-links|no-index)=') {
        Say "installing torch $torch from the package sources of your pip settings"
    } elseif (Read-Output 'nvidia-smi' @('-L')) {
        Say "installing torch $torch for CUDA (some 2 GB, an NVIDIA GPU is here)"
        # Its dependencies come with the package, from the usual index and pinned.
        Install-Packages @('--no-deps', '--index-url', $torchCudaIndex, "torch==$torch")
        return
    } else {
        Say "installing torch $torch for the CPU (some 200 MB)"
    }
    Install-Packages @('-c', 'tools\constraints.txt', "torch==$torch")
}

function Install-Engine {
    $isSound = Test-Environment
    if ($isSound) {
        if ((Test-Path -LiteralPath $stamp) -and
            (Get-Content -Raw -Encoding UTF8 -LiteralPath $stamp).Trim() -eq (Get-WantedStamp)) { return }
    }
    if (-not $isSound) {
        $python = Find-Python
        if (Test-Path -LiteralPath $venv) {
            Say '.venv is incomplete, was moved, or is for another Python; making it anew'
        }
        Say "making .venv with $python"
        Invoke-Step $python @('-m', 'venv', '--clear', $venv)
    }
    if (Test-Path -LiteralPath $stamp) { Remove-Item -LiteralPath $stamp }
    # Relative paths, since pip splits PIP_CONSTRAINT at spaces. The two variables pin what builds the
    # package too: the first for pip up to 25.2, the second for later ones.
    Push-Location -LiteralPath $root
    try {
        Install-Torch
        Say 'installing liveengine and what it needs'
        $env:PIP_CONSTRAINT = 'tools\constraints.txt'
        $env:PIP_BUILD_CONSTRAINT = 'tools\constraints.txt'
        Install-Packages @('-c', 'tools\constraints.txt', '-e', '.')
        Say 'compiling the decoder for this processor'
        Invoke-Step $venvPython @('-c', ('from liveengine.generation.worker import warm_up; ' +
            'from liveengine.config.settings import default_checkpoint; warm_up(default_checkpoint())'))
    } finally {
        $env:PIP_CONSTRAINT = $null
        $env:PIP_BUILD_CONSTRAINT = $null
        Pop-Location
    }
    Set-Content -LiteralPath $stamp -Value (Get-WantedStamp) -Encoding UTF8
    Say 'installed'
}

Install-Engine

# What it prints for you to type begins as you have begun.
$env:LIVEENGINE_LAUNCHER = 'tools\play.ps1'

if ($arguments.Count -gt 0 -and $arguments[0] -eq 'help') {
    & $engine --help
    exit $LASTEXITCODE
}
if ($arguments.Count -gt 0 -and $arguments[0] -match '^([^-]|--version$|--log-)') {
    & $engine @arguments
    exit $LASTEXITCODE
}
$asksNoPort = -not ($arguments -match '^--(port|help)(=|$)') -and -not ("$arguments" -match '--backend[ =](none|file)\b')
if ($asksNoPort) {
    Say 'Windows has no virtual MIDI ports: make one in loopMIDI and name it with --port "its name"'
}
& $engine play @arguments
exit $LASTEXITCODE
