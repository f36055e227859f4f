from liveengine.app.drummer import Drummer as Drummer

__version__: str
