//! Twenty sentences about the sample photos that come with the program, written by looking at the photos.

/// A sentence about one photo and no other.
#[derive(Debug)]
pub(super) struct Sentence {
    /// The photo's file name.
    pub photo: &'static str,
    pub english: &'static str,
    pub chinese: &'static str,
}

const fn sentence(photo: &'static str, english: &'static str, chinese: &'static str) -> Sentence {
    Sentence { photo, english, chinese }
}

pub(super) const SENTENCES: [Sentence; 20] = [
    sentence("astronaut.jpg", "a smiling astronaut in an orange space suit", "穿橙色宇航服微笑的宇航员"),
    sentence("balloon.png", "a colourful hot-air balloon in the sky", "天空中的彩色热气球"),
    sentence("beach.jpg", "a sandy beach with palm trees by the sea", "海边有棕榈树的沙滩"),
    sentence("boats.jpg", "old wooden boats lying on the shore", "停在岸边的旧木船"),
    sentence("china.jpg", "a Chinese pagoda above a lake", "湖边的中国宝塔"),
    sentence("churchill.webp", "a polar bear walking in the snow", "在雪地里行走的北极熊"),
    sentence("coffee.png", "a cup of coffee with a spoon", "一杯咖啡和一把勺子"),
    sentence("cyclist.jpg", "a man riding a bicycle on a road", "在公路上骑自行车的人"),
    sentence("dahlia.jpg", "a close-up of an orange flower", "一朵橙色花的特写"),
    sentence("desk.jpg", "a laptop on a desk", "桌上的笔记本电脑"),
    sentence("eiffel.jpg", "the Eiffel Tower in Paris", "巴黎的埃菲尔铁塔"),
    sentence("fruits.jpg", "slices of orange, lemon and kiwi", "切开的橙子、柠檬和猕猴桃"),
    sentence("giraffes.webp", "giraffes in the savanna", "草原上的长颈鹿"),
    sentence("go-kart.jpg", "a go-kart driver on a race track", "赛道上的卡丁车手"),
    sentence("holstein.webp", "a black and white cow in a meadow", "草地上的黑白奶牛"),
    sentence("lock.jpg", "a golden retriever with its tongue out", "吐着舌头的金毛犬"),
    sentence("macaw.webp", "a red parrot", "一只红色的鹦鹉"),
    sentence("orchestra.webp", "an orchestra on stage", "舞台上的管弦乐队"),
    sentence("panda.webp", "a giant panda", "一只大熊猫"),
    sentence("plane.jpg", "an old propeller airplane", "一架老式螺旋桨飞机"),
];
